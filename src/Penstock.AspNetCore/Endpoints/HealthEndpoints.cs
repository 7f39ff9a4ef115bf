using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Penstock.AspNetCore.Auth;
using Penstock.Generations;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/healthz</c>: the process lives. <c>/readyz</c>: it takes work.</summary>
internal sealed class HealthEndpoints(GenerationService generations, IHostApplicationLifetime lifetime)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/healthz", Surface.Open, ("GET", Live), ("HEAD", Live));
        routes.Map("/readyz", Surface.Open, ("GET", Ready), ("HEAD", Ready));
    }

    private static Task Live(HttpContext context) => context.Response.WriteAsync("ok", context.RequestAborted);

    private Task Ready(HttpContext context)
    {
        var stopping = lifetime.ApplicationStopping.IsCancellationRequested;
        context.Response.StatusCode = stopping ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return context.Response.WriteAsync(stopping ? $"shutting down, {generations.Running} generations running" : "ready", context.RequestAborted);
    }
}
