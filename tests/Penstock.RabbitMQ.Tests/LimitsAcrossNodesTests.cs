using System.Globalization;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>Limits of an answer that one server after another has.</summary>
public sealed class LimitsAcrossNodesTests(Broker broker)
{
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(10);

    [Fact]
    public async Task An_answer_that_another_worker_goes_on_with_gets_no_longer_than_one_that_none_had_to()
    {
        await using var cluster = new Cluster(broker, Tokens.Script([.. Enumerable.Repeat("tok ", 10_000)], _pace));
        (string, string)[] settings = [("Generations:OnCrash", "continue"), ("Providers:up:ContinuesPrefix", "true"), ("Limits:PerOwner:TokensPerStream", "100"), ("Generations:ShutdownTimeout", "00:00:00.1")];
        var gateway = await cluster.StartAsync("gateway", settings);
        var first = await cluster.StartAsync("worker", settings);
        using var client = await SseClient.OpenAsync(gateway.Api.Chat("up/m", "a-1000"));
        var seen = new List<SseEvent>();
        while (View.ChatText(seen).Length < 240) seen.Add((await client.NextAsync())!);
        await cluster.StartAsync("worker", settings);
        await first.StopAsync(); // which hands it over
        seen.AddRange(await client.RestAsync());
        cluster.Upstream.Calls.Count.ShouldBe(2);
        View.ChatText(seen).Length.ShouldBeInRange(390, 410); // four characters a token
        ((string)(await gateway.Api.EndedAsync(client.Generation))["stopReason"]!).ShouldBe("token_limit");
    }

    [Fact]
    public async Task An_answer_whose_ending_another_writes_is_counted_once()
    {
        await using var cluster = new Cluster(broker, Tokens.ByPrompt(_pace));
        var node = await cluster.StartAsync("both", ("Limits:PerOwner:TokensPerMinute", "100000"), ("Limits:ReservedTokens", "1000"));
        using var client = await SseClient.OpenAsync(node.Api.Chat("up/m", "a-100000"));
        for (var i = 0; i < 50; i++) await client.NextAsync();
        // By somebody who dies at once: the worker does not hear of it, and ends it for nothing before the stop takes it over.
        (await cluster.Store.Log.TakeOverAsync($"generations/{client.Generation}")).ShouldNotBeNull();
        var (_, stopped) = await node.Api.StopAsync(client.Generation);
        var usage = stopped!["usage"]!;
        var used = (long)usage["inputTokens"]! + (long)usage["outputTokens"]!;
        used.ShouldBeGreaterThan(50);
        using var next = await SseClient.OpenAsync(node.Api.Chat("up/m", "a-1"));
        var left = long.Parse(next.Reply.Headers["x-ratelimit-remaining-tokens"], CultureInfo.InvariantCulture);
        (100_000 - left - 1001).ShouldBe(used); // of which 1000 and the prompt's one are reserved for this
    }
}
