using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Penstock.Transport;

namespace Penstock.AspNetCore.Transport;

/// <summary>Accepts clients and puts each on a loop.</summary>
internal sealed class EpollListener : IConnectionListener
{
    private const int AddressSize = 128; // sockaddr_storage

    // Without descriptors or memory there is nothing to wait for but time.
    private static readonly TimeSpan _retryAfter = TimeSpan.FromMilliseconds(100);

    private readonly EpollLoops _loops;
    private readonly MemoryPool<byte> _pool;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly EpollSocket _socket;
    private readonly Accepting _accepting;
    private readonly bool _isAny;
    private bool _isFull; // and that was told

    public EpollListener(Socket bound, EpollLoops loops, MemoryPool<byte> pool, TimeProvider time, ILogger logger)
    {
        EndPoint = bound.LocalEndPoint!;
        _isAny = EndPoint is IPEndPoint { Address: var address } && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
        _loops = loops;
        _pool = pool;
        _time = time;
        _logger = logger;
        _socket = new EpollSocket(loops.Next(), Libc.Duplicate(bound.SafeHandle));
        _accepting = new Accepting(_socket);
        _socket.Start();
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        var address = new byte[AddressSize];
        while (!_socket.IsClosed)
        {
            if (!FileReserve.HasRoomForClient())
            {
                await WaitForRoomAsync(SocketError.TooManyOpenSockets, cancellationToken);
                continue;
            }

            var accepted = await _accepting.StartAsync(address, cancellationToken);
            switch (-accepted.Result)
            {
                case <= 0:
                    _isFull = false;
                    if (Open(accepted, address) is { } connection) return connection;
                    break;
                case Libc.EBADF:
                    return null;
                case Libc.EMFILE or Libc.ENFILE or Libc.ENOBUFS or Libc.ENOMEM:
                    await WaitForRoomAsync(EpollError.From(accepted.Result).SocketErrorCode, cancellationToken);
                    break;
                default:
                    break; // that client has gone (accept(2), error handling)
            }
        }

        return null;
    }

    private Task WaitForRoomAsync(SocketError reason, CancellationToken cancellationToken)
    {
        if (!_isFull) TransportLog.NoRoom(_logger, reason);
        _isFull = true;
        return Task.Delay(_retryAfter, _time, cancellationToken);
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _socket.Close();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private EpollConnection? Open((int Result, int AddressLength) accepted, byte[] address)
    {
        var socket = new EpollSocket(_loops.Next(), new Descriptor(accepted.Result));
        try
        {
            Libc.SendAtOnce(socket.Descriptor);
            var remote = ToEndPoint(address.AsSpan(0, accepted.AddressLength));
            var local = _isAny && Libc.LocalAddress(socket.Descriptor, address, out var length) >= 0 ? ToEndPoint(address.AsSpan(0, length)) : EndPoint;
            var connection = new EpollConnection(socket, _pool, local, remote, _logger);
            socket.Start();
            return connection;
        }
        catch (SocketException e)
        {
            TransportLog.NoRoom(_logger, e.SocketErrorCode);
            return null;
        }
    }

    private static IPEndPoint? ToEndPoint(ReadOnlySpan<byte> bytes)
    {
        var address = new SocketAddress(bytes.Length > 16 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, bytes.Length);
        bytes.CopyTo(address.Buffer.Span);
        return (IPEndPoint)new IPEndPoint(address.Family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0).Create(address);
    }

    private sealed class Accepting(EpollSocket socket) : EpollOperation<(int Result, int AddressLength)>(socket.Readable)
    {
        private byte[] _address = [];

        public ValueTask<(int Result, int AddressLength)> StartAsync(byte[] address, CancellationToken cancellationToken)
        {
            _address = address;
            return TryComplete(out var result, out _) ? new(result) : Wait(cancellationToken);
        }

        protected override bool TryComplete(out (int Result, int AddressLength) result, out Exception? failure)
        {
            failure = null;
            result.Result = socket.Accept(_address, out result.AddressLength);
            return result.Result != -Libc.EAGAIN;
        }
    }
}
