using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Responses;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/v1/responses</c>: create, read, follow, cancel and delete responses.</summary>
internal sealed class ResponsesEndpoints(
    GenerationEndpoint endpoint, GenerationService generations, GenerationCatalog catalog, StoredRequests requests, ResponseStore responses, TokenCounter counter, PenstockOptions options, ReplyOptions replies)
{
    private readonly ClientProtocol _protocol = ClientProtocols.Responses;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/v1/responses", Surface.Responses, ("POST", Handle(PostAsync)));
        routes.Map("/v1/responses/input_tokens", Surface.Responses, ("POST", Handle(CountAsync)));
        routes.Map("/v1/responses/{id}", Surface.Responses, ("GET", Handle(GetAsync)), ("DELETE", Handle(DeleteAsync)));
        routes.Map("/v1/responses/{id}/cancel", Surface.Responses, ("POST", Handle(CancelAsync)));
        routes.Map("/v1/responses/{id}/input_items", Surface.Responses, ("GET", Handle(ListInputAsync)));
    }

    private RequestDelegate Handle(Func<HttpContext, Task> handler) =>
        context => endpoint.HandleAsync(context, _protocol, () => handler(context));

    private async Task PostAsync(HttpContext context)
    {
        if (await endpoint.TryResumeAsync(context, _protocol)) return;
        var body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
        var request = await responses.ReadRequestAsync(await responses.ResolveReferencesAsync(body, OwnerOf(context)), OwnerOf(context));
        if (!request.Background || ResponsesRequestReader.WantsStream(body))
        {
            await endpoint.StartAsync(context, _protocol, EventView.Origin, request, request.Background ? DisconnectPolicy.Detach : options.Generations.Policy);
            return;
        }

        var started = await generations.StartAsync(request, _protocol, endpoint.OptionsOf(context, request, DisconnectPolicy.Detach));
        endpoint.WriteHeaders(context, _protocol, started);
        await WriteResponseAsync(context, started.Id, isFromCache: started.Cache == CacheUse.Hit);
    }

    private async Task CountAsync(HttpContext context)
    {
        var body = await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes);
        var request = await responses.ReadRequestAsync(await responses.ResolveReferencesAsync(body, OwnerOf(context)), OwnerOf(context));
        await endpoint.CountTokensAsync(context, _protocol, request, counter, tokens => string.Create(CultureInfo.InvariantCulture, $"{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}}}"));
    }

    private async Task GetAsync(HttpContext context)
    {
        var (id, info, metadata) = await responses.FindAsync(NameOf(context), OwnerOf(context)) ?? throw ResponseStore.NotFound(NameOf(context));
        if (!string.Equals(context.Request.Query["stream"], "true", StringComparison.OrdinalIgnoreCase))
        {
            await WriteResponseAsync(context, id);
            return;
        }

        if (!metadata.Stream)
            throw new RequestException("This response was not asked for as a stream, nor in the background: read it without 'stream'.") { Param = "stream", Code = "invalid_value" };
        if (context.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header)
        {
            if (!EventId.TryParse(header, out var seen) || GenerationId.Parse(seen.Generation) != id)
                throw new RequestException("The Last-Event-ID is not one of this response's. Send it back as it came, or leave it out.") { Code = "invalid_last_event_id" };
            await endpoint.ResumeAsync(context, _protocol, EventView.Origin, id, info, seen);
            return;
        }

        var subscription = await catalog.SubscribeAsync(id, await catalog.FirstValidAsync(id)) ?? throw ResponseStore.NotFound(NameOf(context));
        using var reply = new EventStreamReply(context, _protocol, new SequenceView(StartingAfter(context)), subscription, skip: 0, asked: false, replies);
        await reply.RunAsync();
    }

    private async Task CancelAsync(HttpContext context)
    {
        var (id, _, _) = await responses.FindAsync(NameOf(context), OwnerOf(context)) ?? throw ResponseStore.NotFound(NameOf(context));
        await generations.StopAsync(id, OwnerOf(context));
        await WriteResponseAsync(context, id);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        var (id, _, _) = await responses.FindAsync(NameOf(context), OwnerOf(context)) ?? throw ResponseStore.NotFound(NameOf(context));
        if (!await generations.DeleteAsync(id, OwnerOf(context))) throw ResponseStore.NotFound(NameOf(context));
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("id"u8, NameOf(context));
        json.WriteString("object"u8, "response"u8);
        json.WriteBoolean("deleted"u8, true);
        json.WriteEndObject();
    }

    private async Task ListInputAsync(HttpContext context)
    {
        var name = NameOf(context);
        var (id, _, metadata) = await responses.FindAsync(name, OwnerOf(context)) ?? throw ResponseStore.NotFound(name);
        var request = await requests.LoadAsync(id, metadata) ?? throw ResponseStore.NotFound(name);
        var query = context.Request.Query;
        var limit = 20;
        if (query["limit"].ToString() is { Length: > 0 } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > 100))
            throw new RequestException($"limit is '{text}'; it must be a number from 1 to 100.") { Param = "limit" };
        IEnumerable<(string Id, byte[] Json)> items = ResponsesConversation.ListInput(request.Body, name);
        if (query["order"] != "asc") items = items.Reverse(); // the newest first, as everywhere in this API
        if (query["after"].ToString() is { Length: > 0 } after) items = items.SkipWhile(i => i.Id != after).Skip(1);
        var page = items.Take(limit + 1).ToList();
        var hasMore = page.Count > limit;
        if (hasMore) page.RemoveAt(limit);

        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var item in page) json.WriteRawValue(item.Json, skipInputValidation: true);
        json.WriteEndArray();
        json.WriteString("first_id"u8, page is [var first, ..] ? first.Id : null);
        json.WriteString("last_id"u8, page is [.., var last] ? last.Id : null);
        json.WriteBoolean("has_more"u8, hasMore);
        json.WriteEndObject();
    }

    private async Task WriteResponseAsync(HttpContext context, string id, bool isFromCache = false)
    {
        var response = await responses.ReadAsync(id, OwnerOf(context)) ?? throw ResponseStore.NotFound(NameOf(context));
        if (isFromCache)
        {
            var cached = new ArrayBufferWriter<byte>(response.Length + 64);
            CachedUsage.Write(response.Span, cached);
            response = cached.WrittenMemory;
        }

        context.Response.ContentType = _protocol.ContentType;
        context.Response.ContentLength = response.Length;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers[StreamHeaders.Generation] = id;
        await ReplyOutput.SendAsync(context, response, replies);
    }

    private static Owner OwnerOf(HttpContext context) => Caller.Of(context).Owner;

    private static string NameOf(HttpContext context) => context.Request.RouteValues["id"] as string ?? "";

    private static long StartingAfter(HttpContext context)
    {
        var text = context.Request.Query["starting_after"].ToString();
        if (text.Length == 0) return -1;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new RequestException($"starting_after is '{text}'; it must be the sequence_number of an event.") { Param = "starting_after", Code = "invalid_value" };
    }
}
