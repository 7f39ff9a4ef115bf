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

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/v1/generations</c>: start, look at, follow, list, stop and delete generations, whatever protocol started them.</summary>
internal sealed class NativeEndpoints(GenerationEndpoint endpoint, EventsEndpoint events, GenerationService generations, GenerationCatalog catalog, Tickets tickets, ReplyOptions replies, PenstockOptions options)
{
    private const int DefaultListLimit = 20;
    private const int MaxListLimit = 100;
    private const int MaxCombined = 100;
    private const string WatchersFlag = "watchers";

    private static readonly string[] _statuses = ["queued", "running", "finished", "stopped", "failed", "interrupted"];

    private readonly ClientProtocol _protocol = ClientProtocols.Native;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map("/v1/generations", Surface.Generations, ("POST", Handle(PostAsync)), ("GET", Handle(ListAsync)));
        routes.Map("/v1/generations/events", Surface.Generations, ("GET", Handle(CombinedEventsAsync)));
        routes.Map("/v1/generations/{id}", Surface.Generations, ("GET", Handle(GetAsync)), ("DELETE", Handle(DeleteAsync)));
        routes.Map("/v1/generations/{id}/events", Surface.Generations with { TakesTicket = true }, ("GET", Handle(async context => await events.GetAsync(context, await IdOfAsync(context)))));
        routes.Map("/v1/generations/{id}/ticket", Surface.Generations, ("POST", Handle(TicketAsync)));
        routes.Map("/v1/generations/{id}/stop", Surface.Generations, ("POST", Handle(StopAsync)));
    }

    private RequestDelegate Handle(Func<HttpContext, Task> handler) =>
        context => endpoint.HandleAsync(context, _protocol, () => handler(context));

    private async Task PostAsync(HttpContext context)
    {
        if (context.Request.Headers["Last-Event-ID"].ToString().Length > 0)
        {
            await events.GetAsync(context, id: null);
            return;
        }

        var request = _protocol.ReadRequest(await RequestBody.ReadJsonAsync(context, options.Limits.MaxBodyBytes));
        if (request is { Stream: true, Background: false })
        {
            StreamHeaders.WriteHeartbeat(context.Response, replies.Heartbeat);
            await endpoint.StartAsync(context, _protocol, EventsEndpoint.NativeViewOf(context.Request), request, DisconnectPolicy.Detach);
            return;
        }

        var started = await generations.StartAsync(request, _protocol, endpoint.OptionsOf(context, request, DisconnectPolicy.Detach));
        endpoint.WriteHeaders(context, _protocol, started);
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.Headers.Location = $"/v1/generations/{started.Id}";
        await WriteSnapshotAsync(context, started.Id, isFromCache: started.Cache == CacheUse.Hit);
    }

    private async Task ListAsync(HttpContext context)
    {
        var status = context.Request.Query["status"].ToString() is { Length: > 0 } asked ? asked : null;
        if (status is not null && !_statuses.Contains(status, StringComparer.Ordinal))
            throw new RequestException($"status is '{status}'; it must be one of {string.Join(", ", _statuses)}.") { Param = "status" };
        var limitText = context.Request.Query["limit"].ToString();
        var limit = DefaultListLimit;
        if (limitText.Length > 0 && (!int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxListLimit))
            throw new RequestException($"limit is '{limitText}'; it must be a number from 1 to {MaxListLimit}.") { Param = "limit" };

        var found = QueryFlag.Read(context.Request, WatchersFlag) ? catalog.ListWithWatchersAsync(status, OwnerOf(context), page: limit) : catalog.ListAsync(status, OwnerOf(context));
        context.Response.ContentType = "application/json";
        var sending = new ReplyOutput(context, replies);
        using var looking = sending.LookNowAndThen();
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        var count = 0;
        await foreach (var snapshot in found)
        {
            GenerationSnapshotWriter.Write(snapshot, json);
            if (++count == limit) break;
            await json.FlushAsync(context.RequestAborted); // one snapshot in memory at a time
            await sending.FlushAsync();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task GetAsync(HttpContext context) => await WriteSnapshotAsync(context, await IdOfAsync(context), withWatchers: QueryFlag.Read(context.Request, WatchersFlag));

    // Who asks again, since no reply came, finds that it is not there: a 404, and nothing else happens.
    private async Task DeleteAsync(HttpContext context)
    {
        if (!await generations.DeleteAsync(await IdOfAsync(context), OwnerOf(context))) throw GenerationEndpoint.NotFound();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    // Several generations' events over one connection, each after the last event of it that the client has.
    private async Task CombinedEventsAsync(HttpContext context)
    {
        var asked = new Dictionary<string, EventId>(StringComparer.Ordinal);
        foreach (var item in context.Request.Query["streams"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!EventId.TryParse(item, out var seen)) seen = new EventId(item, -1);
            if (seen.InSnapshot || GenerationId.Parse(seen.Generation) is not { } id)
                throw new RequestException($"streams has '{item}'; each must be a generation's id, or the id of the last event that you have of it.") { Param = "streams" };
            if (!asked.TryAdd(id, seen)) throw new RequestException($"streams names {id} twice.") { Param = "streams" };
        }

        if (asked.Count is 0 or > MaxCombined) throw new RequestException($"streams must name 1 to {MaxCombined} generations, with commas between.") { Param = "streams" };

        await using var reply = new CombinedReply(context, replies);
        foreach (var (id, seen) in asked)
        {
            var info = await catalog.GetInfoAsync(id, OwnerOf(context));
            if (info is not null && seen.Offset >= info.NextOffset)
                reply.WriteEnd(id, new GenerationError("invalid_last_event_id", $"The position {seen.Offset} is after the stream's last event.", StatusCodes.Status400BadRequest));
            else if (info is { Closed: true } && seen.Offset + 1 == info.NextOffset)
                reply.WriteEnd(id);
            else if (info is not null && await catalog.SubscribeAsync(id, seen.Offset + 1) is { } subscription)
                reply.Add(subscription);
            else
                reply.WriteEnd(id, new GenerationError("generation_not_found", GenerationEndpoint.NotFound().Message, StatusCodes.Status404NotFound));
        }

        StreamHeaders.WriteHeartbeat(context.Response, replies.Heartbeat);
        await reply.RunAsync();
    }

    private async Task StopAsync(HttpContext context)
    {
        var id = await IdOfAsync(context);
        if (!await generations.StopAsync(id, OwnerOf(context))) throw GenerationEndpoint.NotFound();
        await WriteSnapshotAsync(context, id);
    }

    private async Task TicketAsync(HttpContext context)
    {
        var id = await IdOfAsync(context);
        var lifetime = LifetimeOf(context);
        var info = await catalog.GetInfoAsync(id, OwnerOf(context)) ?? throw GenerationEndpoint.NotFound();
        var (ticket, end) = await tickets.NewAsync(Caller.Of(context), info, lifetime);
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("ticket"u8, ticket);
        json.WriteString("expiresAt"u8, end);
        json.WriteString("url"u8, $"{context.Request.PathBase}/v1/generations/{id}/events?ticket={ticket}");
        json.WriteEndObject();
    }

    private static TimeSpan? LifetimeOf(HttpContext context)
    {
        var text = context.Request.Query["seconds"].ToString();
        if (text.Length == 0) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : throw new RequestException($"seconds is '{text}'; it must be a number from 1 on.") { Param = "seconds" };
    }

    /// <summary>Writes what is known of a generation.</summary>
    public async Task WriteSnapshotAsync(HttpContext context, string id, bool withWatchers = false, bool isFromCache = false)
    {
        var snapshot = await catalog.GetSnapshotAsync(id, OwnerOf(context), withWatchers) ?? throw GenerationEndpoint.NotFound();
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers[StreamHeaders.Generation] = id;
        var body = new ArrayBufferWriter<byte>();
        await using (var json = new Utf8JsonWriter(body)) GenerationSnapshotWriter.Write(snapshot, json, isFromCache);
        await ReplyOutput.SendAsync(context, body.WrittenMemory, replies);
    }

    private async ValueTask<string> IdOfAsync(HttpContext context) =>
        await generations.ResolveAsync((string)context.Request.RouteValues["id"]!, OwnerOf(context)) ?? throw GenerationEndpoint.NotFound();

    private static Owner OwnerOf(HttpContext context) => Caller.Of(context).Owner;
}
