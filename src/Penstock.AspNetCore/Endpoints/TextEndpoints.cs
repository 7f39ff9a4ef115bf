using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>The four plain endpoints: a prompt in, <c>data: token</c> out.</summary>
internal sealed class TextEndpoints(GenerationEndpoint endpoint, GenerationService generations, PenstockOptions options)
{
    // An EventSource comes back by itself, but not at once from a phone in a tunnel.
    private static readonly DisconnectPolicy _eventSource = new(TimeSpan.FromSeconds(60));

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/query/stream", Surface.Text(ClientProtocols.TextQuery), ("POST", Post(ClientProtocols.TextQuery)));
        routes.Map("/chat/stream", Surface.Text(ClientProtocols.TextChat), ("GET", Get(ClientProtocols.TextChat, "prompt")));
        routes.Map("/stream", Surface.Text(ClientProtocols.TextStream), ("GET", Get(ClientProtocols.TextStream, "query")));
        routes.Map("/ask", Surface.Text(ClientProtocols.TextAsk), ("POST", Ask));
    }

    private RequestDelegate Post(ClientProtocol protocol) => context => endpoint.HandleAsync(context, protocol, async () =>
    {
        if (await endpoint.TryResumeAsync(context, protocol)) return;
        var request = protocol.ReadRequest(await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes));
        await endpoint.StartAsync(context, protocol, EventView.Origin, request, options.Generations.Policy);
    });

    private RequestDelegate Get(ClientProtocol protocol, string param) => context => endpoint.HandleAsync(context, protocol, async () =>
    {
        if (await endpoint.TryResumeAsync(context, protocol)) return;
        if (!context.Request.Query.ContainsKey(param))
            throw new RequestException($"'{param}' is missing: ask as in {context.Request.Path}?{param}=Hello.") { Param = param, Code = "missing_required_parameter" };
        await endpoint.StartAsync(context, protocol, EventView.Origin, protocol.ReadRequest(Body(context, param)), _eventSource);
    });

    // The uuid makes the request safe to send twice, and is the job's name at /v1/generations/{uuid}.
    private Task Ask(HttpContext context) => endpoint.HandleAsync(context, ClientProtocols.TextAsk, async () =>
    {
        var protocol = ClientProtocols.TextAsk;
        if (await endpoint.TryResumeAsync(context, protocol)) return;
        var request = protocol.ReadRequest(await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes));
        if (WantsStream(context.Request))
        {
            await endpoint.StartAsync(context, protocol, EventView.Origin, request, options.Generations.Policy);
            return;
        }

        var started = await generations.StartAsync(request, protocol, endpoint.OptionsOf(context, request, DisconnectPolicy.Detach));
        endpoint.WriteHeaders(context, protocol, started);
        await WriteJobAsync(context, request.JobId ?? started.Id, started.Id);
    });

    private static async Task WriteJobAsync(HttpContext context, string job, string id)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.ContentType = "application/json";
        context.Response.Headers[StreamHeaders.Generation] = id;
        context.Response.Headers.Location = $"/v1/generations/{job}";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("id"u8, job);
        json.WriteString("status"u8, "accepted"u8);
        json.WriteString("generation"u8, id);
        json.WriteString("events"u8, $"/v1/generations/{job}/events");
        json.WriteEndObject();
    }

    private static bool WantsStream(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase);

    private static ReadOnlyMemory<byte> Body(HttpContext context, string param)
    {
        var body = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        foreach (var name in (ReadOnlySpan<string>)[param, "model"])
        {
            if (context.Request.Query.TryGetValue(name, out var value)) json.WriteString(name, value.ToString());
        }

        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }
}
