using System.Net;
using Penstock.Server.Tests.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary>The samples of <c>deploy/</c> in the real nginx and HAProxy, before two gateways of which one goes.</summary>
public sealed class FailoverTests(Engines engines) : IClassFixture<Engines>
{
    private const string Slow = "simulated/chat?seed=7&tps=100";
    private const string Fast = "simulated/chat?seed=7&tps=0&ttft=0";
    private const string Prompt = "Tell me of rivers.";

    [Theory]
    [InlineData("nginx")]
    [InlineData("haproxy")]
    public async Task Clients_of_a_gateway_that_is_killed_resume_at_the_other_and_new_ones_do_not_notice(string program)
    {
        await using var cluster = await engines.StartAsync(workers: 1);
        await using var front = await Front.StartAsync(program, [.. cluster.Gateways.Select(g => g.Url)]);
        var whole = (string)(await front.Api.EndedAsync(await front.Api.StartAsync(Fast, Prompt)))["text"]!;
        var seen = new List<SseEvent>[6];
        var clients = await Task.WhenAll(seen.Select((_, i) => SseClient.OpenAsync(front.Api.Chat(Slow, $"{Prompt}")))); // on both gateways, by the connections that are open
        for (var i = 0; i < clients.Length; i++) seen[i] = [(await clients[i].NextAsync())!, (await clients[i].NextAsync())!];
        await cluster.Gateways[0].Kill9();
        var starting = Task.WhenAll(Enumerable.Range(0, 10).Select(_ => SseClient.AllAsync(front.Api.Chat(Fast, Prompt))));
        var cut = await Task.WhenAll(clients.Select((client, i) => RestOrResumeAsync(client, seen[i], front.Api)));
        cut.Count(c => c).ShouldBe(3);
        foreach (var events in seen) View.ChatText(events).ShouldBe(whole);
        foreach (var events in await starting) View.ChatText(events).ShouldBe(whole);
        foreach (var client in clients) client.Dispose();
    }

    [Theory]
    [InlineData("nginx")]
    [InlineData("haproxy")]
    public async Task Requests_that_come_once_a_gateway_shuts_down_go_to_the_other(string program)
    {
        await using var cluster = await engines.StartAsync(workers: 1);
        await using var front = await Front.StartAsync(program, [.. cluster.Gateways.Select(g => g.Url)]);
        var closed = new TaskCompletionSource();
        var posting = Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var after = 0; after < 5;)
            {
                var isClosed = closed.Task.IsCompleted;
                var (status, body) = await Api.SendAsync(front.Api.Chat(Fast, "Hi", stream: false));
                // One that the gateway has is told 503, since it waits for nobody's answer; one that comes later does not come to it.
                if (!isClosed && status == HttpStatusCode.ServiceUnavailable) ((string)body!["error"]!["code"]!).ShouldBeOneOf("interrupted", "shutting_down");
                else status.ShouldBe(HttpStatusCode.OK);
                if (isClosed) after++;
            }
        }).ToList();
        cluster.Gateways[0].Terminate();
        await Eventually.Is(() => Ports.IsFree(cluster.Gateways[0].Url.Port), "it listens no more");
        closed.SetResult();
        await Task.WhenAll(posting);
        (await cluster.Gateways[0].ExitedAsync()).ShouldBe(0);
    }

    /// <summary>Whether the connection broke, after which it went on by the last id.</summary>
    private static async Task<bool> RestOrResumeAsync(SseClient client, List<SseEvent> seen, Api api)
    {
        try
        {
            while (await client.NextAsync() is { } e) seen.Add(e);
            return false;
        }
        catch (IOException)
        {
            seen.AddRange(await SseClient.AllAsync(api.Chat(Slow, Prompt).With("Last-Event-ID", seen.Last(e => e.Id is not null).Id!)));
            return true;
        }
    }
}
