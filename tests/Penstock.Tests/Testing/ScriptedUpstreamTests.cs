using Penstock.Testing;

namespace Penstock.Tests.Testing;

/// <summary>The test kit itself: what it says of the wire must be true.</summary>
public sealed class ScriptedUpstreamTests
{
    [Fact]
    public async Task It_serves_a_script_frame_by_frame_and_keeps_the_connection()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
        using var http = new HttpClient();
        for (var i = 0; i < 3; i++)
        {
            var reply = await http.PostAsync($"{upstream.BaseUrl}/chat/completions", Body("a-20"));
            var events = new SseEvents().Feed(await reply.Content.ReadAsByteArrayAsync()).ToList();
            View.ChatText(events).ShouldBe(string.Concat(Tokens.Of("a", 20)));
            View.IsDone(events[^1]).ShouldBeTrue();
        }

        upstream.OpenConnections.ShouldBe(1);
        upstream.Calls.Count.ShouldBe(3);
        upstream.Calls.First().Path.ShouldBe("/v1/chat/completions");
        upstream.Calls.First().Model.ShouldBe("m");
    }

    [Fact]
    public async Task It_notices_when_the_peer_goes()
    {
        await using var upstream = ScriptedUpstream.Start(call => call.Hold());
        var reply = RawReply.SendAsync(RawRequest.Post(new Uri(upstream.BaseUrl), "{}"));
        var call = await upstream.NextCallAsync();
        call.Closed.IsCompleted.ShouldBeFalse();
        call.Reset();
        await Should.ThrowAsync<IOException>(reply);

        using var http = new HttpClient();
        using var patience = new CancellationTokenSource();
        var request = http.PostAsync(upstream.BaseUrl, Body("x"), patience.Token);
        call = await upstream.NextCallAsync();
        await patience.CancelAsync();
        await Eventually.Completes(call.Closed, "the upstream sees the client go");
        await Should.ThrowAsync<OperationCanceledException>(request);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_was_not_ended_is_told_from_one_that_was(bool ended)
    {
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse("one");
            if (!ended) call.Close();
        });
        using var client = await SseClient.OpenAsync(RawRequest.Post(new Uri(upstream.BaseUrl), "{}"));
        (await client.NextAsync())!.Data.ShouldBe("one");
        if (ended) (await client.NextAsync()).ShouldBeNull();
        else await Should.ThrowAsync<IOException>(client.NextAsync());
        client.Reply.Ended.ShouldBe(ended);
    }

    [Fact]
    public async Task A_client_stops_at_the_byte_it_is_told_and_has_only_whole_events()
    {
        await using var upstream = ScriptedUpstream.Start(call => call.Write("data: one\nid: g.0\n\ndata: two\nid: g.1\n\n"));
        using var client = await SseClient.OpenAsync(RawRequest.Post(new Uri(upstream.BaseUrl), "{}"));
        (await client.NextAsync(37))!.Data.ShouldBe("one");
        (await client.NextAsync(37)).ShouldBeNull();
        client.BytesRead.ShouldBe(37);
        client.LastEventId.ShouldBe("g.0");
        (await client.NextAsync())!.Data.ShouldBe("two");
    }

    private static StringContent Body(string prompt) =>
        new($$"""{"model":"m","stream":true,"messages":[{"role":"user","content":"{{prompt}}"}]}""");
}
