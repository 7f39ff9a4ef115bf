using System.Net;
using System.Net.Sockets;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>Where webhooks may go: the public internet over TLS, and in development this machine. Never a network behind us.</summary>
internal static class WebhookUrl
{
    public static bool IsAllowed(string? text, bool isDevelopment) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url)
        && url.UserInfo.Length == 0
        && ((isDevelopment && url.Scheme == Uri.UriSchemeHttp && IsThisMachine(url))
            || (url.Scheme == Uri.UriSchemeHttps && !IsThisMachine(url) && (!IPAddress.TryParse(url.DnsSafeHost, out var address) || IsPublic(address))));

    /// <summary>Connects to a webhook's host. A public name may resolve to an address that is not, so it is checked here again.</summary>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint host, bool isDevelopment, CancellationToken cancellationToken)
    {
        var isLocal = isDevelopment && IsThisMachine(host.Host);
        var addresses = await Dns.GetHostAddressesAsync(host.Host, cancellationToken);
        var allowed = addresses.Where(a => isLocal ? IPAddress.IsLoopback(a) : IsPublic(a)).ToArray();
        if (allowed.Length == 0) throw new HttpRequestException($"The webhook's host {host.Host} has no public address.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, host.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (IPAddress.IsLoopback(address)) return false;
        var bytes = address.GetAddressBytes();
        if (address.AddressFamily == AddressFamily.InterNetworkV6) return IsPublicV6(bytes);
        return bytes switch
        {
            [0 or 10 or 127 or >= 224, ..] => false,
            [100, >= 64 and <= 127, ..] => false, // shared by carriers
            [169, 254, ..] => false, // this link, and the clouds' metadata
            [172, >= 16 and <= 31, ..] => false,
            [192, 168, ..] => false,
            [192, 0, 0, ..] => false,
            [198, 18 or 19, ..] => false,
            _ => true,
        };
    }

    // https://www.iana.org/assignments/iana-ipv6-special-registry: what carries an IPv4 address may lead to a network behind us.
    private static bool IsPublicV6(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, ..] => IsPublic(new IPAddress(bytes[12..])), // NAT64
        [0x20, 0x02, ..] => false, // 6to4
        [0x20, 0x01, 0, 0, ..] => false, // Teredo
        [>= 0x20 and <= 0x3f, ..] => true, // all that is global so far
        _ => false,
    };

    private static bool IsThisMachine(Uri url) => IsThisMachine(url.DnsSafeHost);

    private static bool IsThisMachine(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}
