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
}
