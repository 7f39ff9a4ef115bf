using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;
using Penstock.Protocols.Ollama;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>Ollama's addresses, for its clients: <c>/api/chat</c>, <c>/api/generate</c>, and what they look up before they ask.</summary>
internal sealed class OllamaEndpoints(GenerationEndpoint endpoint, PenstockOptions options, TimeProvider time)
{
    // Clients look whether the server knows what they need: tools, thoughts and schemas are all there by this one.
    private const string Version = "0.12.0";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/api/generate", Surface.Ollama, ("POST", Handle(ClientProtocols.OllamaGenerate, PostAsync)));
        routes.Map("/api/tags", Surface.Ollama, ("GET", Handle(ClientProtocols.OllamaChat, (context, _) => ListAsync(context))));
        routes.Map("/api/show", Surface.Ollama, ("POST", Handle(ClientProtocols.OllamaChat, (context, _) => ShowAsync(context))));
        routes.Map("/api/version", Surface.Ollama, ("GET", Handle(ClientProtocols.OllamaChat, (context, _) => VersionAsync(context))));
    }

    /// <summary>Answers a body that came to <c>/api/chat</c>.</summary>
    public Task ChatAsync(HttpContext context, ReadOnlyMemory<byte> body) => AnswerAsync(context, ClientProtocols.OllamaChat, body);

    private RequestDelegate Handle(ClientProtocol protocol, Func<HttpContext, ClientProtocol, Task> handler) =>
        context => endpoint.HandleAsync(context, protocol, () => handler(context, protocol));

    private async Task PostAsync(HttpContext context, ClientProtocol protocol)
    {
        if (await endpoint.TryResumeAsync(context, protocol)) return;
        await AnswerAsync(context, protocol, await RequestBody.ReadAsync(context, options.Limits.MaxBodyBytes)); // its own examples send JSON as a form
    }

    private async Task AnswerAsync(HttpContext context, ClientProtocol protocol, ReadOnlyMemory<byte> body)
    {
        var isChat = protocol == ClientProtocols.OllamaChat;
        if (OllamaRequestReader.OnlyLoads(body, isChat, out var model))
        {
            endpoint.CheckModel(context, model);
            await WriteLoadedAsync(context, model ?? "", isChat);
            return;
        }

        var request = protocol.ReadRequest(body);
        var view = context.Request.Headers.Accept.ToString().Contains(StreamHeaders.EventStream, StringComparison.OrdinalIgnoreCase) ? EventView.Origin : LinesView.Instance;
        await endpoint.StartAsync(context, protocol, view, request, options.Generations.Policy);
    }

    // There is nothing to load.
    private async Task WriteLoadedAsync(HttpContext context, string model, bool isChat)
    {
        var output = new ArrayBufferWriter<byte>();
        new OllamaLine(model, time.GetUtcNow(), isChat).WriteDone(default, default, default, "load"u8, usage: null, output);
        context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(output.WrittenMemory, context.RequestAborted);
    }

    private async Task ListAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray("models"u8);
        foreach (var model in endpoint.ModelsFor(context))
        {
            json.WriteStartObject();
            json.WriteString("name"u8, model);
            json.WriteString("model"u8, model);
            json.WriteString("modified_at"u8, "1970-01-01T00:00:00Z"u8); // not known
            json.WriteNumber("size"u8, 0);
            json.WriteString("digest"u8, ""u8);
            WriteDetails(json, model);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task ShowAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context, options.Limits.MaxBodyBytes);
        using var document = RequestJson.Parse(body, """{"model": "simulated/chat"}""");
        var model = RequestJson.Model(document.RootElement) ?? RequestJson.String(document.RootElement, "name", "name") ?? "";
        if (!endpoint.ModelsFor(context).Contains(model, StringComparer.Ordinal))
            throw new RequestException($"model '{model}' not found: GET /api/tags lists what is offered.") { Status = 404, Param = "model", Code = "model_not_found" };
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        WriteDetails(json, model);
        json.WriteStartObject("model_info"u8);
        json.WriteEndObject();
        json.WriteStartArray("capabilities"u8); // which of them a model has only its provider knows
        foreach (var capability in (ReadOnlySpan<string>)["completion", "tools", "vision", "thinking"]) json.WriteStringValue(capability);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static Task VersionAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($"{{\"version\":\"{Version}\"}}", context.RequestAborted);
    }

    private static void WriteDetails(Utf8JsonWriter json, string model)
    {
        var slash = model.IndexOf('/');
        var family = slash < 0 ? "penstock" : model[..slash];
        json.WriteStartObject("details"u8);
        json.WriteString("parent_model"u8, ""u8);
        json.WriteString("format"u8, ""u8);
        json.WriteString("family"u8, family);
        json.WriteStartArray("families"u8);
        json.WriteStringValue(family);
        json.WriteEndArray();
        json.WriteString("parameter_size"u8, ""u8);
        json.WriteString("quantization_level"u8, ""u8);
        json.WriteEndObject();
    }
}
