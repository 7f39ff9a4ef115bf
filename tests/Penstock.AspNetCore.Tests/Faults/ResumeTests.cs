using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>Coming back after the end.</summary>
public sealed class ResumeTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Row25_A_finished_stream_is_read_again_from_any_event(string storage)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), storage);
        var whole = await SseClient.AllAsync(host.Api.Chat("up/m", "again-30"));
        for (var i = 0; i < whole.Count - 1; i++)
        {
            var rest = await SseClient.AllAsync(host.Api.Chat("up/m", "again-30").With("Last-Event-ID", whole[i].Id!));
            rest.Select(e => e.Raw).ShouldBe(whole.Skip(i + 1).Select(e => e.Raw));
        }

        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Row25_A_native_resume_works_by_header_and_by_query()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var whole = await SseClient.AllAsync(host.Api.Native("up/m", "again-10", stream: true));
        var id = whole[0].Id!.Split('.')[0];
        foreach (var seen in whole.Take(whole.Count - 1))
        {
            var expected = whole.Skip(whole.IndexOf(seen) + 1).Select(e => e.Raw);
            var offset = View.Place(seen.Id!).Offset;
            (await SseClient.AllAsync(host.Api.Events(id).With("Last-Event-ID", seen.Id!))).Select(e => e.Raw).ShouldBe(expected);
            (await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events?after={offset}"))).Select(e => e.Raw).ShouldBe(expected);
        }
    }

    [Fact]
    public async Task Row25_A_resume_after_the_last_event_says_204_so_that_a_browser_stops()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        foreach (var request in (RawRequest[])[host.Api.Chat("up/m", "a-3"), host.Api.Native("up/m", "a-3", stream: true), host.Api.ChatStream("up/m", "a-3")])
        {
            var events = await SseClient.AllAsync(request);
            using var reply = await RawReply.SendAsync(request.With("Last-Event-ID", events[^1].Id!));
            reply.Status.ShouldBe(204, request.Url.ToString());
        }
    }

    [Theory]
    [InlineData("gen_0123456789abcdef0123456789abcdef.3", 404)]
    [InlineData("nonsense", 400)]
    public async Task An_id_that_names_nothing_here_starts_nothing(string id, int status)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m", "a-3").With("Last-Event-ID", id));
        reply.Status.ShouldBe(status);
        (await reply.TextAsync()).ShouldContain("\"error\"");
        host.Upstream.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_position_beyond_all_positions_is_refused()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var events = await SseClient.AllAsync(host.Api.Chat("up/m", "a-3"));
        var generation = events[0].Id!.Split('.')[0];
        foreach (var offset in (long[])[long.MaxValue, View.Place(events[^1].Id!).Offset + 1])
        {
            var requests = (RawRequest[])
            [
                host.Api.Chat("up/m", "a-3").With("Last-Event-ID", $"{generation}.{offset}"),
                host.Api.Native("up/m", "a-3").With("Last-Event-ID", $"{generation}.{offset}"),
                host.Api.Events(generation).With("Last-Event-ID", $"{generation}.{offset}.1"),
                host.Api.Get($"v1/generations/{generation}/events?after={offset}"),
            ];
            foreach (var request in requests)
            {
                using var reply = await RawReply.SendAsync(request);
                reply.Status.ShouldBe(400, request.ToString());
                (await reply.TextAsync()).ShouldContain("invalid_last_event_id");
            }
        }

        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("v1/chat/completions")]
    [InlineData("v1/generations")]
    [InlineData("query/stream")]
    public async Task An_empty_id_is_none(string path)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var request = RawRequest.Post(host.Api.Url(path), """{"prompt":"a-3","stream":true}""");
        using var reply = await RawReply.SendAsync(request.With("Last-Event-ID", ""));
        reply.Status.ShouldBe(200);
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_was_asked_for_as_a_document_is_followed_natively_alone()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var request = host.Api.Chat("up/m", "a-3", stream: false);
        string generation;
        using (var document = await RawReply.SendAsync(request)) generation = document.Headers["Penstock-Generation"];
        var events = await SseClient.AllAsync(host.Api.Events(generation));
        var (status, body) = await Api.SendAsync(request.With("Last-Event-ID", events[0].Id!));
        ((int)status).ShouldBe(409);
        ((string)body!["error"]!["code"]!).ShouldBe("other_protocol");
        var rest = await SseClient.AllAsync(host.Api.Native("up/m", "a-3").With("Last-Event-ID", events[0].Id!));
        rest.Select(e => e.Raw).ShouldBe(events.Skip(1).Select(e => e.Raw));
        host.Upstream.Calls.Count.ShouldBe(1);
    }
}
