using System.Diagnostics;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>A shutdown sends readers away; it is neither their wish nor their answer's end.</summary>
public sealed class ShutdownTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true, "finished")]
    [InlineData(false, "interrupted")]
    public async Task Readers_that_were_sent_away_have_not_left(bool providerGoesOn, string status)
    {
        var go = new TaskCompletionSource();
        var clients = new List<Task>();
        await using (var host = await StartAsync(Script(go.Task), ("Generations:ShutdownTimeout", providerGoesOn ? "00:00:20" : "00:00:01")))
        {
            foreach (var policy in (string[])["cancel", "grace 0.2"])
            {
                clients.Add(CutAsync(host.Api.Chat("up/begun").With("Penstock-On-Disconnect", policy)));
                clients.Add(CutAsync(host.Api.Native("up/begun", stream: true).With("Penstock-On-Disconnect", policy)));
                clients.Add(RefusedAsync(host.Api.Chat("up/silent").With("Penstock-On-Disconnect", policy)));
                clients.Add(RefusedAsync(host.Api.Chat("up/silent", stream: false).With("Penstock-On-Disconnect", policy)));
                clients.Add(CutAsync(host.Api.ChatStream("up/silent").With("Penstock-On-Disconnect", policy)));
            }

            await Eventually.Is(() => host.Upstream.Calls.Count == clients.Count, "all are running");
            await Eventually.Is(async () => await BegunAsync(host) == 4, "those that begin have begun");
            var stopping = host.StopAsync();
            await Task.WhenAll(clients);
            var away = Stopwatch.StartNew();
            await Eventually.Is(() => away.Elapsed > TimeSpan.FromSeconds(0.5), "a grace would be over");
            if (providerGoesOn) go.SetResult();
            await Eventually.Completes(stopping, "the server stops");
        }

        await using var next = await StartAsync();
        var (_, list) = await Api.SendAsync(next.Api.Get("v1/generations?limit=100"));
        list!["data"]!.AsArray().Select(s => (string)s!["status"]!).ShouldBe(Enumerable.Repeat(status, clients.Count), list.ToJsonString());
    }

    [Fact]
    public async Task An_event_source_that_waits_for_its_first_token_is_told_to_come_back()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Hold(), settings: ("Generations:ShutdownTimeout", "00:00:00.1"));
        var opening = RawReply.SendAsync(host.Api.ChatStream("up/m"));
        await host.Upstream.NextCallAsync();
        var stopping = host.StopAsync();
        using var reply = await opening.WaitAsync(Eventually.Limit);
        reply.Status.ShouldBe(200); // a 503 would stop it for good
        reply.Headers["Content-Type"].ShouldStartWith("text/event-stream");
        (await reply.TextToCutAsync()).ShouldMatch(@"\Aretry: [0-9]{3,4}\n\z");
        await Eventually.Completes(stopping, "the server stops");
    }

    [Fact]
    public async Task The_goodbye_is_one_line_and_makes_no_event()
    {
        await using var host = await PenstockHost.StartAsync(
            async call =>
            {
                await call.Sse([Chat.Role(), Chat.Text("a")]);
                await call.Hold();
            },
            settings: ("Generations:ShutdownTimeout", "00:00:00.1"));
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m"));
        var stopping = host.StopAsync();
        (await reply.TextToCutAsync()).ShouldMatch(@"\nid: gen_[0-9a-f]{32}\.[0-9]+\n\nretry: [0-9]{3,4}\n\z");
        await Eventually.Completes(stopping, "the server stops");
    }

    [Fact]
    public async Task An_answer_that_is_whole_is_sent_whole()
    {
        var tokens = Enumerable.Repeat(new string('x', 64 * 1024), 150).ToList();
        await using var host = await PenstockHost.StartAsync(Tokens.Script(tokens));
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m"), receiveBuffer: 64 * 1024);
        await host.Api.EndedAsync(client.Generation); // the client lags: this is more than sockets hold
        var stopping = host.StopAsync();
        var events = await client.RestAsync();
        View.ChatText(events).Length.ShouldBe(tokens.Sum(t => t.Length));
        View.IsDone(events[^1]).ShouldBeTrue();
        client.Reply.Ended.ShouldBeTrue();
        client.Retry.ShouldBeNull();
        await Eventually.Completes(stopping, "the server stops");
    }

    private Task<PenstockHost> StartAsync(UpstreamScript? script = null, params (string Key, string Value)[] settings) =>
        PenstockHost.StartAsync(script, "disk", [("Storage:Path", _folder), .. settings]);

    private static UpstreamScript Script(Task go) => async call =>
    {
        if (call.Model == "begun") await call.Sse([Chat.Role(), Chat.Text("a")]);
        await Task.WhenAny(go, call.Closed);
        if (call.Streams) await call.Sse([Chat.Text("b"), Chat.Finish(), Chat.Usage(1, 2), "[DONE]"]);
        else await call.Json(200, Chat.Whole("b", 1, 2));
    };

    private static async Task<int> BegunAsync(PenstockHost host)
    {
        var (_, list) = await Api.SendAsync(host.Api.Get("v1/generations?limit=100"));
        return list!["data"]!.AsArray().Count(s => (string?)s!["text"] == "a");
    }

    private static async Task CutAsync(RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request);
        reply.Status.ShouldBe(200, request.Url.ToString());
        (await reply.TextToCutAsync()).ShouldMatch(@"retry: [0-9]+\n\z");
    }

    private static async Task RefusedAsync(RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request);
        reply.Status.ShouldBe(503, request.Body);
        JsonNode.Parse(await reply.TextAsync())!["error"].ShouldNotBeNull();
    }
}
