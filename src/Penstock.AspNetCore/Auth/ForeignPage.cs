using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Auth;

/// <summary>
/// Tells a page of another origin that makes its visitor's browser call. A browser sends simple requests to anywhere, and only keeps
/// the reply from the page; where nobody has to show anything, the request alone starts what it says.
/// </summary>
internal static class ForeignPage
{
    /// <summary>Whether a request comes from a page that is neither of this server nor of an origin that may call.</summary>
    public static bool Sends(HttpRequest request, IList<string> origins)
    {
        var origin = request.Headers.Origin.ToString();
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        // Over http beyond localhost a picture's address is asked for with neither. https://www.w3.org/TR/fetch-metadata/#framework
        if (origin.Length == 0 && site.Length == 0) origin = OriginOf(request.Headers.Referer.ToString());
        if (origins.Contains("*") || (origin.Length > 0 && origins.Contains(origin, StringComparer.OrdinalIgnoreCase))) return false;
        // The browser's own word, which no page can set, and which holds behind a proxy that changes the host; old ones do not say it.
        return site.Length > 0 ? site is not ("same-origin" or "none") : origin.Length > 0 && !IsOwn(origin, request);
    }

    public static RequestException Refusal() => new(
        "A page of another origin sent this, and this server lets in whoever asks, so it takes that from its own pages alone. Its operator names the page's origin in Penstock:Cors:Origins, or makes a key (penstock keys create).")
    {
        Status = StatusCodes.Status403Forbidden,
        Code = "foreign_origin",
    };

    private static string OriginOf(string address)
    {
        var host = address.IndexOf("://", StringComparison.Ordinal) + 3;
        return host > 3 && address.AsSpan(host).IndexOfAny('/', '?', '#') is >= 0 and var length ? address[..(host + length)] : address;
    }

    // Not the scheme: what ends TLS in front of the server leaves it with http.
    private static bool IsOwn(string origin, HttpRequest request) =>
        origin.IndexOf("://", StringComparison.Ordinal) is > 0 and var cut && origin.AsSpan(cut + 3).Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
}
