using System.Net;
using System.Net.Http;
using System.Net.Sockets;

namespace Penstock.Transport;

/// <summary>Opens connections to providers on the loops, for <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
internal sealed class EpollConnector(EpollLoops loops)
{
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken) =>
        await ConnectAsync(context.DnsEndPoint, cancellationToken);

    /// <exception cref="SocketException">No address of the host took the connection.</exception>
    public async ValueTask<EpollStream> ConnectAsync(DnsEndPoint host, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = IPAddress.TryParse(host.Host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host.Host, cancellationToken);
        SocketException? failure = null;
        foreach (var address in addresses)
        {
            try
            {
                return await ConnectAsync(new IPEndPoint(address, host.Port), cancellationToken);
            }
            catch (SocketException e)
            {
                failure = e;
            }
        }

        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    private async ValueTask<EpollStream> ConnectAsync(IPEndPoint address, CancellationToken cancellationToken)
    {
        var number = Libc.NewSocket(ipv6: address.AddressFamily == AddressFamily.InterNetworkV6);
        if (number < 0) throw EpollError.From(number);
        var socket = new EpollSocket(loops.Choose(), new Descriptor(number));
        try
        {
            if (!FileReserve.HasRoomForProvider(number)) throw EpollError.From(-Libc.EMFILE);
            var opening = new Opening(socket);
            var peer = address.Serialize();
            var start = Libc.Connect(socket.Descriptor, peer.Buffer.Span[..peer.Size]);
            if (start < 0 && -start is not (Libc.EINPROGRESS or Libc.EINTR)) throw EpollError.From(start);
            Libc.SendAtOnce(socket.Descriptor);
            socket.Writable.BeginDrain();
            var opened = start == 0 ? default : opening.StartAsync(cancellationToken);
            socket.Start();
            await opened;
            return new EpollStream(socket);
        }
        catch
        {
            socket.Close();
            throw;
        }
    }

    /// <summary>The wait for a connect.</summary>
    private sealed class Opening(EpollSocket socket) : EpollOperation<int>(socket.Writable)
    {
        public ValueTask<int> StartAsync(CancellationToken cancellationToken) => Wait(cancellationToken);

        protected override bool TryComplete(out int result, out Exception? failure)
        {
            result = 0;
            var error = Libc.PendingError(socket.Descriptor);
            failure = socket.IsClosed ? new ObjectDisposedException(nameof(EpollStream)) : error != 0 ? EpollError.From(-error) : null;
            return true;
        }
    }
}
