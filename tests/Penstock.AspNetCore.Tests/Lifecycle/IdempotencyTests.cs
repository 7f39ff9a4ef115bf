using System.Net;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

public sealed class IdempotencyTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task The_same_key_and_body_join_the_run_and_later_replay_it(string storage)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(5)), storage);
        var request = host.Api.Chat("up/m", "same-40").With("Idempotency-Key", "key-1");
        using var first = await SseClient.OpenAsync(request);
        await first.NextAsync();
        var joined = SseClient.AllAsync(request);
        await first.RestAsync();
        var replayed = await SseClient.AllAsync(request);

        View.ChatText(await joined).ShouldBe(string.Concat(Tokens.Of("same", 40)));
        replayed.Select(e => e.Raw).ShouldBe((await joined).Select(e => e.Raw));
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Many_at_once_with_one_key_are_one_generation()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var request = host.Api.Native("up/m", "once-20", stream: true).With("Idempotency-Key", "key-1");
        var all = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => SseClient.AllAsync(request)));
        all.Select(events => string.Concat(events.Select(e => e.Raw))).Distinct().ShouldHaveSingleItem();
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_same_key_with_another_body_is_refused_in_the_protocols_shape()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        await SseClient.AllAsync(host.Api.Chat("up/m", "a-3").With("Idempotency-Key", "key-1"));
        var (status, body) = await Api.SendAsync(host.Api.Chat("up/m", "b-3").With("Idempotency-Key", "key-1"));
        status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        ((string)body!["error"]!["message"]!).ShouldContain("Idempotency-Key");
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_run_that_failed_before_its_first_output_is_run_again()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        host.Upstream.Reply(call => call.Json(503, "{}"));
        var request = host.Api.Chat("up/m", "a-3").With("Idempotency-Key", "key-1");
        using (var refused = await RawReply.SendAsync(request)) refused.Status.ShouldBe(503);
        View.ChatText(await SseClient.AllAsync(request)).ShouldBe(string.Concat(Tokens.Of("a", 3)));
    }

    [Fact]
    public async Task The_uuid_of_ask_is_the_key_and_names_the_job()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        const string Uuid = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
        var ask = host.Api.Post("ask", new System.Text.Json.Nodes.JsonObject { ["query"] = "a-3", ["uuid"] = Uuid });
        var (status, job) = await Api.SendAsync(ask);
        status.ShouldBe(HttpStatusCode.Accepted);
        ((string)job!["id"]!).ShouldBe(Uuid);
        await Api.SendAsync(ask);
        ((string)(await host.Api.EndedAsync(Uuid))["text"]!).ShouldBe(string.Concat(Tokens.Of("a", 3)));
        host.Upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_key_is_no_name_to_find_a_generation_by()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        const string Key = "order-1";
        var (_, started) = await Api.SendAsync(host.Api.Native("up/m", "a-3").With("Idempotency-Key", Key));
        await host.Api.EndedAsync((string)started!["id"]!);
        (await Api.SendAsync(host.Api.Get($"v1/generations/{Key}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(host.Api.Events(Key))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await host.Api.StopAsync(Key)).Status.ShouldBe(HttpStatusCode.NotFound);

        // A job of that name is another thing.
        var (_, job) = await Api.SendAsync(host.Api.Post("ask", new System.Text.Json.Nodes.JsonObject { ["query"] = "b-3", ["uuid"] = Key }));
        ((string)job!["generation"]!).ShouldNotBe((string)started["id"]!);
        ((string)(await host.Api.EndedAsync(Key))["text"]!).ShouldBe(string.Concat(Tokens.Of("b", 3)));
    }

    [Theory]
    [InlineData("job_0123456789abcdef0123456789abcdef")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("a")]
    public async Task Any_name_of_a_job_finds_it(string name)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        var (_, job) = await Api.SendAsync(host.Api.Post("ask", new System.Text.Json.Nodes.JsonObject { ["query"] = "a-3", ["uuid"] = name }));
        var snapshot = await host.Api.EndedAsync(name);
        ((string)snapshot["id"]!).ShouldBe((string)job!["generation"]!);
        (await SseClient.AllAsync(host.Api.Events(name)))[^1].Type().ShouldBe("finished");
        (await host.Api.StopAsync(name)).Status.ShouldBe(HttpStatusCode.OK);
    }
}
