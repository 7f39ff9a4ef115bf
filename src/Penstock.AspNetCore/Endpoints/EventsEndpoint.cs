using System.Globalization;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>
/// <c>GET /v1/generations/{id}/events</c>: a generation's events from any place on, in any protocol, and for one who joins
/// late what was said so far in one piece.
/// </summary>
internal sealed class EventsEndpoint(GenerationEndpoint endpoint, GenerationCatalog catalog, ReplyOptions replies)
{
    private static readonly (string Name, ClientProtocol Protocol)[] _protocols =
    [
        .. new[] { ClientProtocols.Native, ClientProtocols.ChatCompletions, ClientProtocols.Responses, ClientProtocols.Messages, ClientProtocols.Gemini }.Select(p => (p.Name, p)),
        ("text", ClientProtocols.TextChat),
        .. new[] { ClientProtocols.UiMessages, ClientProtocols.AgUi }.Select(p => (p.Name, p)),
    ];

    /// <summary>Replies with the events of the generation, or with null of the one that the Last-Event-ID names.</summary>
    public async Task GetAsync(HttpContext context, string? id)
    {
        var seen = Seen(context);
        id ??= seen.Generation;
        if (seen.Generation.Length > 0 && GenerationId.Parse(seen.Generation) != id)
            throw new RequestException("The Last-Event-ID belongs to another generation than the address names.") { Code = "invalid_last_event_id" };
        var protocol = ProtocolOf(context);
        var wantsSnapshot = QueryFlag.Read(context.Request, "snapshot");
        var info = await catalog.GetInfoAsync(id, Caller.Of(context).Owner) ?? throw GenerationEndpoint.NotFound();
        GenerationEndpoint.CheckPosition(info, seen);
        StreamHeaders.WriteHeartbeat(context.Response, replies.Heartbeat);
        context.Response.Headers[StreamHeaders.Offset] = (info.NextOffset - 1).ToString(CultureInfo.InvariantCulture);
        var view = protocol == ClientProtocols.Native ? NativeViewOf(context.Request) : ViewOf(protocol, info, id, wantsSnapshot);
        if (wantsSnapshot && (seen.Offset < 0 || seen.InSnapshot))
        {
            await WriteSnapshotAsync(context, protocol, view, id, info, seen);
            return;
        }

        if (view is ProtocolView made) seen = await CatchUpAsync(made, protocol, id, info, seen);
        await endpoint.ResumeAsync(context, protocol, view, id, info, seen);
    }

    // The ending is always an event of its own: a stream without one was cut.
    private async Task WriteSnapshotAsync(HttpContext context, ClientProtocol protocol, EventView view, string id, StreamInfo info, EventId seen)
    {
        var end = seen.InSnapshot ? seen.Offset + 1 : info.Closed ? info.NextOffset - 1 : info.NextOffset;
        var snapshot = await catalog.GetSnapshotAsync(info, end) ?? throw GenerationEndpoint.NotFound();
        var subscription = await catalog.SubscribeAsync(id, end) ?? throw GenerationEndpoint.NotFound();
        var beginning = view is ProtocolView made ? made.Fold(snapshot, seen.Part) : view.WriteSnapshot(snapshot);
        using var reply = new EventStreamReply(context, protocol, view, subscription, skip: 0, asked: false, replies) { Beginning = beginning };
        await reply.RunAsync();
    }

    /// <summary>Lets a view know what its client has, and where it begins for one that has nothing.</summary>
    private async ValueTask<EventId> CatchUpAsync(ProtocolView view, ClientProtocol protocol, string id, StreamInfo info, EventId seen)
    {
        var first = protocol.SaysReset ? 0 : await catalog.FirstValidAsync(id);
        if (seen.Offset < 0) return seen with { Offset = first - 1 };
        using var reader = await catalog.OpenReaderAsync(id, first) ?? throw GenerationEndpoint.NotFound();
        await StoredEvents.ReadAsync(reader, seen.Part > 0 ? seen.Offset : seen.Offset + 1, view.Pass);
        return seen;
    }

    /// <summary>The native events: as lines for who accepts <c>application/x-ndjson</c>, else as an event stream.</summary>
    public static EventView NativeViewOf(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains(StreamHeaders.Lines, StringComparison.OrdinalIgnoreCase) ? NativeLinesView.Instance : EventView.Native;

    private static EventView ViewOf(ClientProtocol protocol, StreamInfo info, string id, bool wantsSnapshot)
    {
        var metadata = GenerationMetadata.Read(info.Metadata);
        // What was written for it once is the most faithful; but what follows a snapshot must fit to the snapshot.
        return metadata.Protocol == protocol.Name && metadata.Stream && !wantsSnapshot
            ? EventView.Origin
            : new ProtocolView(protocol, metadata, id, info.CreatedAt);
    }

    private static ClientProtocol ProtocolOf(HttpContext context)
    {
        var name = context.Request.Query["protocol"].ToString();
        if (name.Length == 0) return ClientProtocols.Native;
        var found = Array.Find(_protocols, p => p.Name == name).Protocol;
        return found ?? throw new RequestException($"protocol is '{name}'; it must be one of {string.Join(", ", _protocols.Select(p => p.Name))}.") { Param = "protocol" };
    }

    // The header is what a browser sends when it comes back, so it is newer than the address.
    private static EventId Seen(HttpContext context)
    {
        var header = context.Request.Headers["Last-Event-ID"].ToString();
        if (header.Length > 0)
        {
            return EventId.TryParse(header, out var seen) && GenerationId.Parse(seen.Generation) is not null
                ? seen
                : throw new RequestException("The Last-Event-ID is not one that this server gave. Send it back as it came.") { Code = "invalid_last_event_id" };
        }

        var after = context.Request.Query["after"].ToString();
        if (after.Length == 0) return new EventId("", -1);
        if (EventId.TryParse(after, out var id)) return id;
        return long.TryParse(after, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var offset) && offset >= -1
            ? new EventId("", offset)
            : throw new RequestException($"after is '{after}'; it must be an offset or an event's id.") { Param = "after" };
    }
}
