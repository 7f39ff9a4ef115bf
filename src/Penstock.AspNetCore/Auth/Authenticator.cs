using System.Net;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Endpoints.DurableStreams;
using Penstock.Generations;

namespace Penstock.AspNetCore.Auth;

/// <summary>Finds out who sends a request.</summary>
internal sealed class Authenticator(PenstockOptions options, KeyRing keys, TokenValidator tokens, Tickets tickets)
{
    /// <summary>Whether whoever asks has to show something.</summary>
    public bool IsRequired => !options.Auth.Open && (keys.HasKeys || tokens.IsConfigured);

    /// <summary>The caller, or null where none is shown that counts. A known one is known at once.</summary>
    public ValueTask<Caller?> FindAsync(HttpContext context, Surface surface)
    {
        if (!IsRequired) return new(options.Auth.Open || (IsLocal(context.Connection.LocalIpAddress) && IsLocal(context.Request.Host.Host)) ? Caller.Anybody : null);
        if (Credential.Read(context.Request) is { } shown)
            return shown.StartsWith(ApiKey.Prefix, StringComparison.Ordinal) ? new(keys.Find(shown)) : tokens.FindAsync(shown);
        return surface.TakesTicket && HttpMethods.IsGet(context.Request.Method) && Credential.ReadTicket(context.Request) is { } ticket && GenerationOf(context.Request) is { } generation
            ? tickets.FindAsync(ticket, generation)
            : default;
    }

    /// <summary>Whether an address is this machine's own, or a Unix socket's, which has none.</summary>
    public static bool IsLocal(IPAddress? address) => address is null || IPAddress.IsLoopback(address);

    // A page of anywhere may have a name of its own lead to this machine (DNS rebinding); what it sends then still bears that name.
    private static bool IsLocal(string host) =>
        host is "" or "127.0.0.1" || host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    // As the routes name it: by itself, or as a stream's path.
    private static string? GenerationOf(HttpRequest request)
    {
        var values = request.RouteValues;
        if (values["id"] is string id) return GenerationId.Parse(id);
        return values["path"] is string path && path.StartsWith(StreamAddress.Generations, StringComparison.Ordinal) ? path[StreamAddress.Generations.Length..] : null;
    }
}
