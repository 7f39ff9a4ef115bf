using System.Net;
using System.Net.Sockets;
using Penstock.Transport;

namespace Penstock.Tests.Transport;

/// <summary>A stream on a loop and the plain socket at its other end.</summary>
internal sealed class Pair : IAsyncDisposable
{
    private Pair(Stream stream, Socket peer)
    {
        Stream = stream;
        Peer = peer;
    }

    public Stream Stream { get; }

    public Socket Peer { get; }

    public static async Task<Pair> OpenAsync(int receiveBuffer = 0)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (receiveBuffer > 0) listener.ReceiveBufferSize = receiveBuffer;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var address = (IPEndPoint)listener.LocalEndPoint!;
        var stream = await new EpollConnector(EpollLoops.Shared!).ConnectAsync(new DnsEndPoint("127.0.0.1", address.Port), default);
        var peer = await listener.AcceptAsync();
        peer.NoDelay = true;
        return new Pair(stream, peer);
    }

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        Peer.Dispose();
    }
}
