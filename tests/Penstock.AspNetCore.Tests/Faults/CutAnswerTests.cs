using System.Net;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>An answer that the provider did not finish must not look finished to anybody.</summary>
public sealed class CutAnswerTests
{
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("cut", 60);
    private static readonly string _first40 = string.Concat(_tokens.Take(40));

    [Theory]
    [InlineData("close")]
    [InlineData("end")]
    [InlineData("until-close")]
    public async Task Row01_An_upstream_that_closes_after_40_of_60_tokens_is_an_error(string how)
    {
        await using var host = await PenstockHost.StartAsync(Cut(how));

        var chat = await SseClient.AllAsync(host.Api.Chat("up/m"));
        View.ChatText(chat).ShouldBe(_first40);
        chat[^1].Json()["error"]!["message"]!.GetValue<string>().ShouldNotBeEmpty();
        chat.ShouldNotContain(e => View.IsDone(e));
        chat.ShouldNotContain(e => e.Data.Contains("\"finish_reason\":\"", StringComparison.Ordinal));

        var native = await SseClient.AllAsync(host.Api.Native("up/m", stream: true));
        View.NativeText(native).ShouldBe(_first40);
        native[^1].Type().ShouldBe("failed");
        native[^1].Name.ShouldBe("failed");

        var text = await SseClient.AllAsync(host.Api.ChatStream("up/m"));
        View.TokenText(text).ShouldBe(_first40.AsSseText());
        text[^1].Name.ShouldBe("error");
        text.ShouldNotContain(e => View.IsDone(e));
    }

    [Fact]
    public async Task Row01_An_upstream_that_resets_after_40_of_60_tokens_is_an_error()
    {
        var seen = new TaskCompletionSource();
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Answer(_tokens).Take(41));
            await seen.Task; // a reset may overtake what was sent before it
            call.Reset();
        });
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m"));
        var events = new List<SseEvent>();
        for (var i = 0; i < 41; i++) events.Add((await client.NextAsync())!);
        seen.SetResult();
        events.AddRange(await client.RestAsync());
        View.ChatText(events).ShouldBe(_first40);
        events[^1].Json()["error"].ShouldNotBeNull();
        events.ShouldNotContain(e => View.IsDone(e));
    }

    [Fact]
    public async Task Row01_A_cut_answer_is_no_document_and_its_text_is_kept()
    {
        await using var host = await PenstockHost.StartAsync(Cut("end"));
        var (status, body) = await Api.SendAsync(host.Api.Chat("up/m", stream: false));
        ((int)status).ShouldBeGreaterThanOrEqualTo(500);
        body!["error"]!["message"]!.GetValue<string>().ShouldNotBeEmpty();
        body["choices"].ShouldBeNull();

        var snapshot = await host.Api.EndedAsync(await host.Api.StartAsync("up/m"));
        ((string)snapshot["status"]!).ShouldBe("failed");
        ((string)snapshot["text"]!).ShouldBe(_first40);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Row05_A_body_held_open_after_finish_and_usage_does_not_hold_the_reply(bool done)
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Answer(_tokens));
            if (done) await call.Done();
            await call.Hold();
        });
        var request = host.Api.Chat("up/m");
        var read = SseClient.AllAsync(request with { Body = request.Body!.Replace("\"stream\":true", "\"stream\":true,\"stream_options\":{\"include_usage\":true}", StringComparison.Ordinal) });
        await Eventually.Completes(read, "the reply ends", TimeSpan.FromSeconds(5));
        var events = await read;
        View.ChatText(events).ShouldBe(string.Concat(_tokens));
        View.IsDone(events[^1]).ShouldBeTrue();
        ((int)events[^2].Json()["usage"]!["completion_tokens"]!).ShouldBe(60);
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the held connection is given up");
    }

    [Fact]
    public async Task Row19_An_error_that_is_not_framed_as_one_is_still_an_error()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Answer(_tokens).Take(11));
            await call.Write(call.Model == "bare"
                ? Chat.Error("upstream secret words") + "\n"
                : $"event: error\ndata: {Chat.Error("upstream secret words")}\n\n");
        });
        foreach (var model in (string[])["up/bare", "up/named"])
        {
            var events = await SseClient.AllAsync(host.Api.Chat(model));
            View.ChatText(events).ShouldBe(string.Concat(_tokens.Take(10)));
            events[^1].Json()["error"].ShouldNotBeNull(model);
            events[^1].Data.ShouldNotContain("secret");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Row20_An_error_as_the_first_event_of_a_200_has_an_http_status(bool stream)
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            if (stream) await call.Sse(Chat.Error("upstream secret words", "rate_limit_error", "rate_limit_exceeded"));
            else await call.Json(200, Chat.Error("upstream secret words"));
        });
        foreach (var request in (RawRequest[])[host.Api.Chat("up/m", stream: stream), host.Api.Native("up/m", stream: true), host.Api.ChatStream("up/m")])
        {
            using var reply = await RawReply.SendAsync(request);
            reply.Status.ShouldBeInRange(400, 599, request.Url.ToString());
            var body = await reply.TextAsync();
            body.ShouldContain("error");
            body.ShouldNotContain("secret");
        }

        var statuses = await SseClient.OpenAsync(host.Api.Chat("up/m", stream: stream));
        if (stream) statuses.Reply.Status.ShouldBe((int)HttpStatusCode.TooManyRequests);
    }

    private static UpstreamScript Cut(string how) => async call =>
    {
        if (how == "until-close") await call.Head(chunked: false);
        foreach (var payload in Chat.Answer(_tokens).Take(41)) await call.Sse(payload);
        if (how == "close") call.Close();
    };
}
