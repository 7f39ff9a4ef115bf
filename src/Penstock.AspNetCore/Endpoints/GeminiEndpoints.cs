using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Gemini;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/v1beta/models</c>: a model's methods stand behind its name, <c>{model}:generateContent</c>.</summary>
internal sealed class GeminiEndpoints(GenerationEndpoint endpoint, TokenCounter counter, PenstockOptions options)
{
    private static readonly string[] _methods = ["generateContent", "streamGenerateContent", "countTokens"];

    private readonly ClientProtocol _protocol = ClientProtocols.Gemini;
    private readonly DisconnectPolicy _onDisconnect = options.Generations.Policy;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/v1beta/models", Surface.GeminiModels, ("GET", Handle(ListAsync)));
        // The name may hold a slash, so this takes all that follows.
        routes.Map("/v1beta/models/{**model}", Surface.Gemini, ("POST", Handle(PostAsync)), ("GET", Handle(GetAsync)));
        routes.MapPost("/v1/models/{**model}", PostAtV1Async).WithMetadata(Surface.Gemini).ExcludeFromDescription();
    }

    private RequestDelegate Handle(Func<HttpContext, Task> handler) =>
        context => endpoint.HandleAsync(context, _protocol, () => handler(context));

    // But for a model's methods this address is OpenAI's, where it takes GET only.
    private Task PostAtV1Async(HttpContext context) => _methods.Contains(ReadAddress(context).Method, StringComparer.Ordinal)
        ? Handle(PostAsync)(context)
        : ProtocolRoutes.WriteNotAllowedAsync(context, ClientProtocols.ChatCompletions, "GET");

    private Task PostAsync(HttpContext context)
    {
        var (model, method) = ReadAddress(context);
        return method switch
        {
            "generateContent" => GenerateAsync(context, model),
            "streamGenerateContent" => StreamAsync(context, model),
            "countTokens" => CountAsync(context, model),
            _ => throw new RequestException($"There is no method '{method}' here: use {string.Join(", ", _methods)}.") { Status = 404, Code = "not_found" },
        };
    }

    private async Task GenerateAsync(HttpContext context, string model)
    {
        var body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
        await endpoint.StartAsync(context, _protocol, EventView.Origin, GeminiRequestReader.Read(body, model, stream: false), _onDisconnect);
    }

    private async Task StreamAsync(HttpContext context, string model)
    {
        var view = ViewOf(context.Request);
        if (view == EventView.Origin && await endpoint.TryResumeAsync(context, _protocol)) return;
        var body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
        await endpoint.StartAsync(context, _protocol, view, GeminiRequestReader.Read(body, model, stream: true), _onDisconnect);
    }

    // Google's Go and Python clients take an id line for an error and its JavaScript one loses the frame, so only those get ids who
    // say that they read event streams, as whoever can resume one does.
    private static EventView ViewOf(HttpRequest request)
    {
        if (!request.Query["alt"].ToString().Equals("sse", StringComparison.OrdinalIgnoreCase)) return new GeminiArrayView();
        return request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) ? EventView.Origin : GeminiDataView.Instance;
    }

    private async Task CountAsync(HttpContext context, string model)
    {
        var body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
        using var json = RequestJson.Parse(body, GeminiRequestReader.Example);
        var root = GeminiJson.TryGetObject(json.RootElement, "generateContentRequest", "generateContentRequest", out var whole) ? whole : json.RootElement;
        var request = GeminiRequestReader.Read(root, body, model, stream: false);
        await endpoint.CountTokensAsync(context, _protocol, request, counter, tokens => string.Create(CultureInfo.InvariantCulture, $"{{\"totalTokens\":{tokens}}}"));
    }

    private async Task ListAsync(HttpContext context)
    {
        context.Response.ContentType = _protocol.ContentType;
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray("models"u8);
        foreach (var model in endpoint.ModelsFor(context)) Write(json, model);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task GetAsync(HttpContext context)
    {
        var model = ModelOf((string)context.Request.RouteValues["model"]!);
        if (!endpoint.ModelsFor(context).Contains(model, StringComparer.Ordinal))
            throw new RequestException($"The model '{model}' is not listed here. GET /v1beta/models lists what is offered.") { Status = 404, Param = "model", Code = "model_not_found" };
        context.Response.ContentType = _protocol.ContentType;
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        Write(json, model);
    }

    private static void Write(Utf8JsonWriter json, string model)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, $"models/{model}");
        json.WriteString("displayName"u8, model);
        json.WriteStartArray("supportedGenerationMethods"u8);
        foreach (var method in _methods) json.WriteStringValue(method);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // A model's own name may hold a colon, so the last one counts.
    private static (string Model, string Method) ReadAddress(HttpContext context)
    {
        var address = (string)context.Request.RouteValues["model"]!;
        var colon = address.LastIndexOf(':');
        return colon < 0 ? (ModelOf(address), "") : (ModelOf(address[..colon]), address[(colon + 1)..]);
    }

    // Clients escape the slash in provider/model, and routing leaves %2F as it is.
    private static string ModelOf(string name)
    {
        name = Uri.UnescapeDataString(name);
        return name.StartsWith("models/", StringComparison.Ordinal) ? name["models/".Length..] : name;
    }
}
