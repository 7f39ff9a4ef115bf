using System.Globalization;
using System.Text;

namespace Penstock.Transport.Http;

/// <summary>What of a request's head follows from its address: whom to send it to, and how its line goes on behind the method.</summary>
internal sealed class RequestTarget(Uri address, ConnectionPool pool)
{
    public Uri Address => address;

    public ConnectionPool Pool => pool;

    /// <summary>The path, the version and the host, each where it stands in the head.</summary>
    public byte[] Bytes { get; } = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $" {address.PathAndQuery} HTTP/1.1\r\nHost: {HostOf(address)}\r\n"));

    private static string HostOf(Uri address)
    {
        var host = address.HostNameType == UriHostNameType.IPv6 ? $"[{address.IdnHost}]" : address.IdnHost;
        return address.IsDefaultPort ? host : string.Create(CultureInfo.InvariantCulture, $"{host}:{address.Port}");
    }
}
