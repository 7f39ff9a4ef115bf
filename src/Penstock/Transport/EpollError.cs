using System.Net.Sockets;

namespace Penstock.Transport;

/// <summary>Names an errno as the framework's own sockets do.</summary>
internal static class EpollError
{
    public static SocketException From(int result) => new((int)(-result switch
    {
        Libc.ECONNRESET or Libc.EPIPE => SocketError.ConnectionReset,
        111 => SocketError.ConnectionRefused,
        110 => SocketError.TimedOut,
        113 => SocketError.HostUnreachable,
        101 => SocketError.NetworkUnreachable,
        103 => SocketError.ConnectionAborted,
        97 => SocketError.AddressFamilyNotSupported,
        99 => SocketError.AddressNotAvailable,
        Libc.EMFILE or Libc.ENFILE => SocketError.TooManyOpenSockets,
        Libc.ENOBUFS or Libc.ENOMEM => SocketError.NoBufferSpaceAvailable,
        _ => SocketError.SocketError,
    }));
}
