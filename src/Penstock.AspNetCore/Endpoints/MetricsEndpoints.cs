using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;
using Penstock.Telemetry;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/metrics</c>: what is measured, as Prometheus reads it. It is everybody's, so where callers are told apart it is for operators.</summary>
internal sealed class MetricsEndpoints(GenerationEndpoint endpoint, MetricStore metrics)
{
    public void Map(IEndpointRouteBuilder routes) => routes.Map("/metrics", Surface.Operations, ("GET", context => endpoint.HandleAsync(context, ClientProtocols.Native, () => WriteAsync(context))));

    private Task WriteAsync(HttpContext context)
    {
        Caller.Of(context).CheckOperator();
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        metrics.Write(context.Response.BodyWriter);
        return context.Response.BodyWriter.FlushAsync(context.RequestAborted).AsTask();
    }
}
