using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Penstock.Generations;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/healthz</c>: the process lives. <c>/readyz</c>: it takes work.</summary>
internal sealed class HealthEndpoints(GenerationService generations, IHostApplicationLifetime lifetime)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", static context => context.Response.WriteAsync("ok", context.RequestAborted));
        routes.MapGet("/readyz", Ready);
    }

    private Task Ready(HttpContext context)
    {
        var stopping = lifetime.ApplicationStopping.IsCancellationRequested;
        context.Response.StatusCode = stopping ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return context.Response.WriteAsync(stopping ? $"shutting down, {generations.Running} generations running" : "ready", context.RequestAborted);
    }
}
