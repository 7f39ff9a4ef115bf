using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>Maps an address of a protocol; any other method than its own gets a 405 in the protocol's shape.</summary>
internal static class ProtocolRoutes
{
    public static void Map(this IEndpointRouteBuilder routes, string path, Surface surface, params (string Method, RequestDelegate Handler)[] handlers)
    {
        foreach (var (method, handler) in handlers) routes.MapMethods(path, [method], handler).WithMetadata(surface);
        var allow = string.Join(", ", handlers.Select(h => h.Method));
        // Routing prefers an endpoint that names the method over one that takes them all.
        routes.Map(path, context => WriteNotAllowedAsync(context, surface.Protocol, allow)).WithMetadata(surface);
    }

    /// <summary>Answers that the address takes other methods only.</summary>
    public static Task WriteNotAllowedAsync(HttpContext context, ClientProtocol protocol, string allow)
    {
        context.Response.OnStarting(static state =>
        {
            var (response, allow) = ((HttpResponse, string))state;
            response.Headers.Allow = allow;
            return Task.CompletedTask;
        }, (context.Response, allow));
        var error = new RequestException($"This address takes {allow} only.") { Status = StatusCodes.Status405MethodNotAllowed, Code = "method_not_allowed" };
        return ErrorReply.WriteAsync(context, protocol, error);
    }
}
