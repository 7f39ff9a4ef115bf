using System.Net;
using System.Net.Sockets;

namespace Penstock.Bench.Runner;

static class Ports
{
    /// <summary>A port that nobody listens on.</summary>
    public static int Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
