using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>GET /v1/models</c>: in Anthropic's shape for those who send its header, else in OpenAI's.</summary>
internal sealed class ModelsEndpoints(GenerationEndpoint endpoint)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/v1/models", Surface.Models, ("GET", Handle(ListAsync)));
        routes.Map("/v1/models/{**id}", Surface.Models, ("GET", Handle(GetAsync)));
    }

    private RequestDelegate Handle(Func<HttpContext, bool, Task> handler) => context =>
    {
        var protocol = ProtocolOf(context);
        var anthropic = protocol == ClientProtocols.Messages;
        if (anthropic) RequestId.Give(context);
        return endpoint.HandleAsync(context, protocol, () => handler(context, anthropic));
    };

    public static ClientProtocol ProtocolOf(HttpContext context) =>
        context.Request.Headers.ContainsKey("anthropic-version") ? ClientProtocols.Messages : ClientProtocols.ChatCompletions;

    private async Task ListAsync(HttpContext context, bool anthropic)
    {
        var models = endpoint.ModelsFor(context);
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        if (!anthropic) json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var model in models) Write(json, model, anthropic);
        json.WriteEndArray();
        if (anthropic)
        {
            json.WriteBoolean("has_more"u8, false); // all are on the one page
            json.WriteString("first_id"u8, models.Count == 0 ? null : models[0]);
            json.WriteString("last_id"u8, models.Count == 0 ? null : models[^1]);
        }

        json.WriteEndObject();
    }

    private async Task GetAsync(HttpContext context, bool anthropic)
    {
        // SDKs escape the slash in provider/model, and routing leaves %2F as it is.
        var id = Uri.UnescapeDataString((string)context.Request.RouteValues["id"]!);
        if (!endpoint.ModelsFor(context).Contains(id, StringComparer.Ordinal))
            throw new RequestException($"The model '{id}' is not listed here. GET /v1/models lists what is offered.") { Status = 404, Param = "model", Code = "model_not_found" };
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        Write(json, id, anthropic);
    }

    private static void Write(Utf8JsonWriter json, string model, bool anthropic)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, model);
        if (anthropic)
        {
            json.WriteString("type"u8, "model"u8);
            json.WriteString("display_name"u8, model);
            json.WriteString("created_at"u8, "1970-01-01T00:00:00Z"u8); // not known, as the protocol says it
        }
        else
        {
            json.WriteString("object"u8, "model"u8);
            json.WriteNumber("created"u8, 0);
            var slash = model.IndexOf('/');
            json.WriteString("owned_by"u8, slash < 0 ? "penstock" : model.AsSpan(0, slash));
        }

        json.WriteEndObject();
    }
}
