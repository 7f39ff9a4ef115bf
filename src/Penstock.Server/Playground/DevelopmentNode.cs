using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Penstock.Server.Playground;

/// <summary>
/// <c>/development/node</c>: which process answers, and its sudden death, for who wants to see an answer survive it. There is no such
/// address but in Development on a server that listens on loopback alone.
/// </summary>
internal static class DevelopmentNode
{
    private const string Address = "/development/node";

    public static void MapDevelopmentNode(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment()) return;
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        bool IsHere(HttpContext context) => addresses.Count > 0 && addresses.All(IsLoopback) && IsOwnPage(context.Request);
        app.MapGet(Address, context => IsHere(context) ? TellAsync(context) : NotHere(context)).ExcludeFromDescription();
        // By a method that no page of another origin can send unasked.
        app.MapDelete(Address, context => IsHere(context) ? Kill(context) : NotHere(context)).ExcludeFromDescription();
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

    private static bool IsLoopback(string address) => IsLocal(BindingAddress.Parse(address).Host);

    private static bool IsLocal(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
