using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Endpoints;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Auth;

/// <summary>Stands before every route: who asks, and may they come in here. Whose a stream is the stores decide.</summary>
internal sealed class Gate(Authenticator authenticator, CallerLimits limits, PenstockOptions options)
{
    /// <summary>Puts the gate before a route.</summary>
    /// <exception cref="InvalidOperationException">The route has no <see cref="Surface"/>.</exception>
    public void Guard(EndpointBuilder endpoint)
    {
        var surface = endpoint.Metadata.OfType<Surface>().LastOrDefault()
            ?? throw new InvalidOperationException($"The route {endpoint.DisplayName} has no {nameof(Surface)}: say who may use it.");
        if (surface.IsOpen) return;
        var handle = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = context => Enter(context, surface, handle);
    }

    // Not async: what waits here would be held for as long as a stream is open.
    private Task Enter(HttpContext context, Surface surface, RequestDelegate handle)
    {
        var caller = authenticator.FindAsync(context, surface);
        return caller.IsCompletedSuccessfully ? Enter(context, surface, handle, caller.Result) : EnterAsync(context, surface, handle, caller.AsTask());
    }

    private async Task EnterAsync(HttpContext context, Surface surface, RequestDelegate handle, Task<Caller?> finding)
    {
        Caller? caller;
        try
        {
            caller = await finding;
        }
        catch (RequestException e)
        {
            await WriteAsync(context, surface, e);
            return;
        }

        await Enter(context, surface, handle, caller);
    }

    private Task Enter(HttpContext context, Surface surface, RequestDelegate handle, Caller? caller)
    {
        if (caller is null) return WriteAsync(context, surface, Unauthorized(context.Request));
        // Whoever has to show a key shows it by a header that no page of elsewhere can send unasked.
        if (!authenticator.IsRequired && surface.Acts(context.Request.Method) && ForeignPage.Sends(context.Request, options.Cors.Origins)) return WriteAsync(context, surface, ForeignPage.Refusal());
        if (!caller.MayUse(surface))
            return WriteAsync(context, surface, new RequestException($"This key may not use this address: it is for {string.Join(", ", caller.Endpoints)}.") { Status = 403, Code = "endpoint_not_allowed" });
        context.Features.Set(caller);
        return surface.IsCounted && limits.CountAsync(context, caller) is { IsCompletedSuccessfully: false } counting ? CountedAsync(context, surface, handle, counting) : handle(context);
    }

    private static async Task CountedAsync(HttpContext context, Surface surface, RequestDelegate handle, Task counting)
    {
        try
        {
            await counting;
        }
        catch (RequestException e)
        {
            await WriteAsync(context, surface, e);
            return;
        }
        catch (StreamException e)
        {
            await WriteAsync(context, surface, ErrorReply.From(GenerationErrors.From(e)));
            return;
        }

        await handle(context);
    }

    private RequestException Unauthorized(HttpRequest request) => new(
        !authenticator.IsRequired ? "This server has no authentication, so it answers on loopback alone, by the name localhost or the address. Its operator sets Penstock:Auth."
        : Credential.Read(request) is null && Credential.ReadTicket(request) is null ? "Who are you? Send a key: Authorization: Bearer pk_…, x-api-key, x-goog-api-key or ?key=."
        : "The key, token or ticket is not one that opens this: it is wrong, has expired or was revoked.")
    {
        Status = StatusCodes.Status401Unauthorized,
        Code = "invalid_api_key",
    };

    private static Task WriteAsync(HttpContext context, Surface surface, RequestException error)
    {
        var protocol = surface == Surface.Models ? ModelsEndpoints.ProtocolOf(context) : surface.Protocol;
        if (protocol == ClientProtocols.Messages) RequestId.Give(context);
        return ErrorReply.WriteAsync(context, protocol, error);
    }
}
