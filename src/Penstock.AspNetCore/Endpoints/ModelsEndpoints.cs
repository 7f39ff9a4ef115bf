using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>GET /v1/models</c>, in OpenAI's shape.</summary>
internal sealed class ModelsEndpoints(GenerationEndpoint endpoint, GenerationService generations)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        var protocol = ClientProtocols.ChatCompletions;
        routes.Map("/v1/models", protocol, ("GET", context => endpoint.HandleAsync(context, protocol, () => ListAsync(context))));
        routes.Map("/v1/models/{**id}", protocol, ("GET", context => endpoint.HandleAsync(context, protocol, () => GetAsync(context))));
    }

    private async Task ListAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var model in generations.Models) Write(json, model);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task GetAsync(HttpContext context)
    {
        // SDKs escape the slash in provider/model, and routing leaves %2F as it is.
        var id = Uri.UnescapeDataString((string)context.Request.RouteValues["id"]!);
        if (!generations.Models.Contains(id, StringComparer.Ordinal))
            throw new RequestException($"The model '{id}' is not listed here. GET /v1/models lists what is offered.") { Status = 404, Param = "model", Code = "model_not_found" };
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        Write(json, id);
    }

    private static void Write(Utf8JsonWriter json, string model)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, model);
        json.WriteString("object"u8, "model"u8);
        json.WriteNumber("created"u8, 0);
        var slash = model.IndexOf('/');
        json.WriteString("owned_by"u8, slash < 0 ? "penstock" : model.AsSpan(0, slash));
        json.WriteEndObject();
    }
}
