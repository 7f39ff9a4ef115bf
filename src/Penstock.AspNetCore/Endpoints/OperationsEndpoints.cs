using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.Generations;
using Penstock.Jobs;
using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/v1/operations</c>: how this node and its providers are at the moment, for an operator who looks.</summary>
internal sealed class OperationsEndpoints(GenerationEndpoint endpoint, GenerationService generations, ModelRouter router, IJobQueue queue)
{
    public void Map(IEndpointRouteBuilder routes) =>
        routes.Map("/v1/operations", Surface.Operations, ("GET", context => endpoint.HandleAsync(context, ClientProtocols.Native, () => WriteAsync(context))));

    private async Task WriteAsync(HttpContext context)
    {
        Caller.Of(context).CheckOperator();
        var waiting = await CountAsync(context.RequestAborted);
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteNumber("running"u8, generations.Running);
        json.WriteStartObject("queue"u8);
        json.WriteBoolean("ready"u8, waiting is not null);
        if (waiting is { } count) json.WriteNumber("waiting"u8, count);
        json.WriteEndObject();
        json.WriteStartArray("providers"u8);
        foreach (var provider in router.Providers)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, provider.Name);
            WriteHealth(json, provider.Health);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("targets"u8);
        foreach (var (alias, target) in router.AliasTargets)
        {
            json.WriteStartObject();
            json.WriteString("alias"u8, alias);
            json.WriteString("target"u8, target.Name);
            json.WriteString("state"u8, target.Health!.Now.State switch { BreakerState.Closed => "asked", BreakerState.Open => "resting", _ => "probing" });
            WriteHealth(json, target.Health);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async ValueTask<long?> CountAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await queue.CountAsync(cancellationToken);
        }
        catch (JobQueueException)
        {
            return null; // it cannot be reached, which is part of the answer
        }
    }

    private static void WriteHealth(Utf8JsonWriter json, TargetHealth health)
    {
        json.WriteNumber("calls"u8, health.Now.Calls);
        json.WriteNumber("failures"u8, health.Now.Failures);
        if (health.UsualDelay is { } delay) json.WriteNumber("usualDelayMs"u8, Math.Round(delay.TotalMilliseconds));
    }
}
