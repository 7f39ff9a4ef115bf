using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Penstock.AspNetCore.Auth;
using Penstock.Generations;
using Penstock.Jobs;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/healthz</c>: the process lives. <c>/readyz</c>: it takes work.</summary>
internal sealed class HealthEndpoints(GenerationService generations, IStreamLog log, IJobQueue queue, IHostApplicationLifetime lifetime)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/healthz", Surface.Open, ("GET", Live), ("HEAD", Live));
        routes.Map("/readyz", Surface.Open, ("GET", Ready), ("HEAD", Ready));
    }

    private static Task Live(HttpContext context) => context.Response.WriteAsync("ok", context.RequestAborted);

    private Task Ready(HttpContext context)
    {
        var trouble = lifetime.ApplicationStopping.IsCancellationRequested ? $"shutting down, {generations.Running} generations running"
            : !log.IsReachable ? "the store of streams does not answer"
            : log.IsFull ? "the store of streams is full"
            : !queue.IsReady ? "the queue cannot be reached"
            : null;
        context.Response.StatusCode = trouble is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync(trouble ?? "ready", context.RequestAborted);
    }
}
