using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>The native events as lines of JSON.</summary>
public sealed class NativeLinesTests
{
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("lines", 12);

    [Fact]
    public async Task Lines_say_what_the_event_stream_says_and_are_resumed_by_the_id_at_their_end()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        var lines = await LinesAsync(host.Api.Native("up/m", stream: true));
        lines.ShouldAllBe(l => l["eventId"] != null);
        var id = ((string)lines[0]["eventId"]!).Split('.')[0];
        using var client = await SseClient.OpenAsync(host.Api.Events(id));
        var events = await client.RestAsync();
        lines.Select(l => (string)l["eventId"]!).ShouldBe(events.Select(e => e.Id));
        foreach (var line in lines) line.AsObject().Remove("eventId");
        lines.Select(l => l.ToJsonString()).ShouldBe(events.Select(e => e.Json().ToJsonString()));

        var rest = await LinesAsync(host.Api.Get($"v1/generations/{id}/events?after={events[3].Id}"));
        rest.Select(l => (string)l["eventId"]!).ShouldBe(events.Skip(4).Select(e => e.Id));
    }

    [Fact]
    public async Task A_late_joiner_gets_what_was_said_so_far_as_one_line()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens)));
        var id = await host.Api.StartAsync("up/m");
        await host.Api.EndedAsync(id);
        var lines = await LinesAsync(host.Api.Get($"v1/generations/{id}/events?snapshot=true"));
        lines.Select(l => (string)l["type"]!).ShouldBe(["snapshot", "finished"]);
        ((string)lines[0]["snapshot"]!["text"]!).ShouldBe(string.Concat(_tokens));
    }

    private static async Task<List<JsonNode>> LinesAsync(RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request.With("Accept", "application/x-ndjson"));
        reply.Headers["Content-Type"].ShouldBe("application/x-ndjson");
        return [.. (await reply.TextAsync()).TrimEnd('\n').Split('\n').Select(l => JsonNode.Parse(l)!)];
    }
}
