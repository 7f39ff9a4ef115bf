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
        if (origins.Contains("*") || (origin.Length > 0 && origins.Contains(origin, StringComparer.OrdinalIgnoreCase))) return false;
        // The browser's own word, which no page can set, and which holds behind a proxy that changes the host; old ones do not say it.
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site) return site is not ("same-origin" or "none");
        if (origin.Length > 0) return !IsOwn(origin, request);
        // Over http beyond localhost a picture's address is asked for with neither. https://www.w3.org/TR/fetch-metadata/#framework
        return request.Headers.Referer.ToString() is { Length: > 0 } page && !IsOwn(page, request);
    }

    public static RequestException Refusal() => new(
        "A page of another origin sent this, and this server lets in whoever asks, so it takes that from its own pages alone. Its operator names the page's origin in Penstock:Cors:Origins, or makes a key (penstock keys create).")
    {
        Status = StatusCodes.Status403Forbidden,
        Code = "foreign_origin",
    };

    // Not the scheme: what ends TLS in front of the server leaves it with http.
    private static bool IsOwn(string address, HttpRequest request)
    {
        if (address.IndexOf("://", StringComparison.Ordinal) is not (> 0 and var cut)) return false;
        var rest = address.AsSpan(cut + 3);
        var slash = rest.IndexOf('/');
        return (slash < 0 ? rest : rest[..slash]).Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }
}
