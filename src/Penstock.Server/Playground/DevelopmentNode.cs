using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Penstock.AspNetCore.Auth;
using Penstock.Protocols;

namespace Penstock.Server.Playground;

/// <summary>
/// <c>/development/node</c>: which process answers, and its sudden death, for who wants to see an answer survive it. There is no such
/// address but in Development on a server that listens on loopback alone, nor for any but an operator where callers are told apart.
/// </summary>
internal static class DevelopmentNode
{
    private const string Address = "/development/node";

    public static void MapDevelopmentNode(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment()) return;
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        var authenticator = app.Services.GetRequiredService<Authenticator>();
        async Task<bool> IsHereAsync(HttpContext context) =>
            addresses.Count > 0 && addresses.All(IsLoopback) && IsOwnPage(context.Request) && !IsForwarded(context.Request) && await IsOperatorAsync(context, authenticator);
        app.MapGet(Address, async context => await (await IsHereAsync(context) ? TellAsync(context) : NotHere(context))).ExcludeFromDescription();
        // By a method that no page of another origin can send unasked.
        app.MapDelete(Address, async context => await (await IsHereAsync(context) ? Kill(context) : NotHere(context))).ExcludeFromDescription();
    }

    private static async Task<bool> IsOperatorAsync(HttpContext context, Authenticator authenticator)
    {
        try
        {
            return await authenticator.FindAsync(context, Surface.Operations) is { IsOperator: true } caller && caller.MayUse(Surface.Operations);
        }
        catch (RequestException)
        {
            return false; // who it is cannot be looked up now
        }
    }

    private static Task TellAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"process":{{Environment.ProcessId}}}""", context.RequestAborted);
    }

    // Nothing is ended, flushed or said: as if the power had gone.
    private static Task Kill(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.OnCompleted(static () =>
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    private static Task NotHere(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    // A name of anywhere may lead to this machine (DNS rebinding), and the API's CORS may be open to all pages.
    private static bool IsOwnPage(HttpRequest request) =>
        IsLocal(request.Host.Host) && (request.Headers.Origin.ToString() is not { Length: > 0 } origin || origin == $"{request.Scheme}://{request.Host}");

    // A proxy on this machine may stand open to the world.
    private static bool IsForwarded(HttpRequest request) => request.Headers.Any(h => h.Key.Equals("Forwarded", StringComparison.OrdinalIgnoreCase) || h.Key.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase));

    private static bool IsLoopback(string address) => IsLocal(BindingAddress.Parse(address).Host);

    private static bool IsLocal(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
