using Microsoft.AspNetCore.Http;

namespace Penstock.AspNetCore.Auth;

/// <summary>What a request shows of its sender, where the SDKs put it.</summary>
internal static class Credential
{
    private const string Bearer = "Bearer ";

    /// <summary>The key or token, or null. A header goes before the address; an empty one is none.</summary>
    public static string? Read(HttpRequest request)
    {
        var authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return NullIfEmpty(authorization[Bearer.Length..].Trim());
        return NullIfEmpty(request.Headers["x-api-key"].ToString()) // Anthropic's
            ?? NullIfEmpty(request.Headers["x-goog-api-key"].ToString()) // Google's
            ?? NullIfEmpty(request.Query["key"].ToString()); // Google's older ones, and whoever can send no header
    }

    public static string? ReadTicket(HttpRequest request) => NullIfEmpty(request.Query["ticket"].ToString());

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
