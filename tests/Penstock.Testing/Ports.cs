using System.Net;
using System.Net.Sockets;

namespace Penstock.Testing;

public static class Ports
{
    /// <summary>A loopback port that nobody listens on.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Whether nobody answers at a loopback port. It connects rather than binds, so as to be in nobody's way.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, port);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
