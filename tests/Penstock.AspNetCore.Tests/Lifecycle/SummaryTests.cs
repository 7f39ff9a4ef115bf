using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Streams;
using Penstock.Testing;
using Penstock.Testing.Wires;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>What is longer than its model can read is summed up by a model, once, and what that does not manage is left out.</summary>
public sealed class SummaryTests(ITestOutputHelper output)
{
    private const int Window = 2000;
    private const int MaxTokens = 250;
    private const int MostBytes = (Window * 4) + 1000; // with what is JSON about it
    private const string SumUp = "You keep the memory of a conversation";

    [Theory]
    [MemberData(nameof(LongHistory.Pairs), MemberType = typeof(LongHistory))]
    public async Task In_each_protocol_a_summary_stands_for_the_oldest_exchanges(string client, string provider)
    {
        var upstream = new Summing(Wire.All.Single(w => w.Protocol == provider));
        await using var host = await StartAsync(upstream.PlayAsync, ("Providers:up:Protocol", provider));
        var (path, body) = LongHistory.Of(client, turns: 20, MaxTokens);
        using var reply = await RawReply.SendAsync(host.Api.Post(path, body));
        reply.Status.ShouldBeOneOf([200, 201], await reply.TextAsync());
        var snapshot = await host.Api.EndedAsync(reply.Headers["Penstock-Generation"]);
        ((string)snapshot["text"]!).ShouldBe("Well.");

        var text = upstream.Asked.ShouldHaveSingleItem();
        text.Length.ShouldBeLessThan(MostBytes);
        var order = new[] { "Be brief.", "left out here", "SUMMARY-3", "Question 17", "Answer 17", "Question 20" };
        if (provider is not ("messages" or "gemini")) order.Select(o => text.IndexOf(o, StringComparison.Ordinal)).ShouldBeInOrder();
        foreach (var said in order) text.ShouldContain(said);
        text.ShouldNotContain("Answer 16");

        // One read as much as it can at once; the next one that, and what follows.
        upstream.Sums.Count.ShouldBe(3);
        upstream.Sums[0].ShouldContain("Question 0 ");
        upstream.Sums[0].ShouldNotContain("SUMMARY-");
        upstream.Sums[1].ShouldContain("SUMMARY-1");
        upstream.Sums[1].ShouldNotContain("Question 0 ");
        upstream.Sums[2].ShouldContain("Answer 16");
        upstream.Sums[2].ShouldNotContain("Answer 17");
        foreach (var sum in upstream.Sums) sum.Length.ShouldBeLessThan(MostBytes);

        var trimmed = snapshot["trimmed"]!;
        ((int)trimmed["messages"]!).ShouldBe(34);
        ((int)trimmed["tokens"]!).ShouldBeInRange(3400, 3800);
        ((int)trimmed["summary"]!["messages"]!).ShouldBe(34);
        ((int)trimmed["summary"]!["tokens"]!).ShouldBeInRange(20, 60);
        trimmed["summaryError"].ShouldBeNull();
        int.Parse(reply.Headers["Penstock-Trimmed"]).ShouldBeInRange(20, 34);
        ((string)(await host.Api.SnapshotAsync((string)trimmed["summary"]!["generation"]!))["text"]!).ShouldBe("SUMMARY-3");
    }

    [Fact]
    public async Task The_log_says_who_sums_up_and_what_that_used_is_counted_apart()
    {
        var upstream = new Summing();
        await using var host = await StartAsync(
            upstream.PlayAsync, ("History:SummaryModel", "up/cheap"), ("Providers:up:Windows:cheap", "100000"), ("Limits:PerOwner:BudgetPerDay", "100"),
            ("Limits:Prices:0:Model", "up/cheap"), ("Limits:Prices:0:Input", "1"), ("Limits:Prices:1:Model", "*"), ("Limits:Prices:1:Input", "1000"));
        var (path, body) = LongHistory.Of("native", turns: 20, MaxTokens);
        body["stream"] = true;
        var events = await SseClient.AllAsync(host.Api.Post(path, body));
        events.Select(e => e.Name).Take(3).ShouldBe(["summary", "started", "trimmed"]);
        var summary = (string)events[0].Json()["generation"]!;
        ((string)events[2].Json()["summary"]!["generation"]!).ShouldBe(summary);
        var id = View.Generation(events[0].Id!);
        (await SseClient.AllAsync(host.Api.Get($"v1/generations/{id}/events")))[2].Data.ShouldBe(events[2].Data);
        upstream.Models.ShouldBe(["cheap", "m"]);

        var (_, usage) = await Api.SendTextAsync(host.Api.Get("v1/usage"));
        var lines = usage.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToDictionary(line => (string)line["id"]!);
        lines.Count.ShouldBe(2);
        ((string?)lines[summary]["summaryFor"], (string)lines[summary]["model"]!, (string)lines[summary]["source"]!).ShouldBe((id, "cheap", "provider"));
        ((string?)lines[id]["summaryFor"], (string)lines[id]["model"]!, (string)lines[id]["source"]!).ShouldBe((null, "m", "provider"));
        ((string)(await host.Api.SnapshotAsync(summary))["summaryFor"]!).ShouldBe(id);
    }

    [Fact]
    public async Task An_alias_has_a_policy_of_its_own()
    {
        var upstream = new Summing();
        await using var host = await StartAsync(
            upstream.PlayAsync, ("History:Policy", "window"), ("Models:long:Targets:0", "up/m"), ("Models:long:History:Policy", "summary"), ("Models:long:History:SummaryModel", "tidy"),
            ("Models:tidy:Targets:0", "up/cheap"), ("Models:all:Targets:0", "up/m"), ("Models:all:History:Policy", "off"));
        var (path, body) = LongHistory.Of("chat-completions", turns: 20, MaxTokens);
        foreach (var (model, sums, messages) in ((string, int, int)[])[("up/m", 0, 18), ("all", 0, 42), ("long", 3, 10)])
        {
            body["model"] = model;
            await Api.SendTextAsync(host.Api.Post(path, body));
            upstream.Sums.Count.ShouldBe(sums, model);
            host.Upstream.Calls.Last().Request!["messages"]!.AsArray().Count.ShouldBe(messages, model);
        }

        upstream.Models.ShouldBe(["m", "m", "cheap", "cheap", "cheap", "m"]);
    }

    [Fact]
    public async Task Five_hundred_turns_stay_within_a_small_window_and_each_is_summed_up_once()
    {
        const int Turns = 500;
        var upstream = new Summing { Answer = call => $"Answer {call.Request!["messages"]!.AsArray().Count}. {LongHistory.Words}" };
        await using var host = await StartAsync(upstream.PlayAsync, "disk");
        var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject { ["items"] = new JsonArray(new JsonObject { ["role"] = "developer", ["content"] = "Be brief." }) }));
        var id = (string)made!["id"]!;
        var times = new List<double>();
        for (var turn = 1; turn <= Turns; turn++)
        {
            var begun = Stopwatch.GetTimestamp();
            var (status, response) = await Api.SendAsync(host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["conversation"] = id, ["input"] = $"Question {turn} {LongHistory.Words}" }));
            times.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            status.ShouldBe(HttpStatusCode.OK, response?.ToJsonString());
        }

        // What was asked is as much as fits, and says what came before by the newest summary.
        upstream.Asked.Count.ShouldBe(Turns);
        foreach (var asked in upstream.Asked) asked.Length.ShouldBeLessThan(MostBytes);
        foreach (var asked in upstream.Asked.Skip(20)) asked.ShouldContain("SUMMARY-");
        upstream.Asked[^1].ShouldContain($"SUMMARY-{upstream.Sums.Count}");
        upstream.Asked[^1].ShouldContain("Be brief.");

        // Each question but the last few was summed up, in one summary and no other.
        var sums = string.Concat(upstream.Sums);
        var summed = Enumerable.Range(1, Turns).Where(turn => sums.Contains($"Question {turn} ", StringComparison.Ordinal)).ToList();
        summed.ShouldBe(Enumerable.Range(1, summed.Count));
        summed.Count.ShouldBeGreaterThan(Turns - 10);
        foreach (var turn in summed) (sums.Split($"Question {turn} ").Length - 1).ShouldBe(1, $"turn {turn}");
        upstream.Sums.Count.ShouldBeLessThan(Turns / 3);
        var (early, late) = (times.Skip(10).Take(50).Average(), times.TakeLast(50).Average());
        output.WriteLine($"{upstream.Sums.Count} summaries; {times.Sum() / 1000:0.0} s in all, {early:0.0} ms a turn at first, {late:0.0} ms at last");
        late.ShouldBeLessThan(1000); // beside whatever else the machine does
    }

    [Fact]
    public async Task A_summary_survives_a_restart_and_branches_share_it()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        try
        {
            var upstream = new Summing { Answer = _ => $"Answer. {LongHistory.Words}" };
            string id, early;
            await using (var host = await StartAsync(upstream.PlayAsync, "disk", ("Storage:Path", folder)))
            {
                var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject()));
                id = (string)made!["id"]!;
                for (var turn = 0; turn < 10; turn++) await TurnAsync(host, id, turn);
                var (_, items) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items?order=asc&limit=100"));
                early = (string)items!["data"]!.AsArray()[^1]!["id"]!;
            }

            upstream.Sums.Count.ShouldBe(1);
            await using (var host = await StartAsync(upstream.PlayAsync, "disk", ("Storage:Path", folder)))
            {
                var (_, branch) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject { ["fork_from"] = id, ["fork_after"] = early }));
                foreach (var conversation in (string[])[id, (string)branch!["id"]!])
                {
                    var snapshot = await TurnAsync(host, conversation, 10);
                    ((int)snapshot["trimmed"]!["summary"]!["messages"]!).ShouldBeGreaterThan(4);
                    upstream.Asked[^1].ShouldContain("SUMMARY-1");
                }

                upstream.Sums.Count.ShouldBe(1);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Who_sends_the_same_history_again_needs_no_other_summary_whatever_the_protocol_and_nobody_else_gets_it()
    {
        var upstream = new Summing();
        var (alice, bob) = (TestKey.For("alice"), TestKey.For("bob"));
        await using var host = await StartAsync(upstream.PlayAsync, [.. alice.Settings, .. bob.Settings]);
        foreach (var (client, key, sums) in ((string, TestKey, int)[])[("chat-completions", alice, 3), ("responses", alice, 3), ("messages", alice, 3), ("gemini", alice, 3), ("chat-completions", bob, 6)])
        {
            var (path, body) = LongHistory.Of(client, turns: 20, MaxTokens);
            (await Api.SendTextAsync(host.Api.Post(path, body).By(key))).Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Created);
            upstream.Sums.Count.ShouldBe(sums, client);
        }
    }

    [Theory]
    [InlineData("fails", "provider_error")]
    [InlineData("hangs", "summary_timeout")]
    [InlineData("empty", "summary_empty")]
    [InlineData("filtered", "content_filter")]
    [InlineData("limit", "rate_limit_exceeded")]
    [InlineData("price", "model_without_price")]
    public async Task Where_no_summary_comes_of_it_the_oldest_exchanges_are_left_out_and_the_answer_comes(string how, string code)
    {
        var upstream = new Summing
        {
            Sum = call => how switch
            {
                "fails" => call.Json(500, "{}"),
                "hangs" => call.Hold(),
                "empty" => call.Sse([.. Chat.Answer([]), "[DONE]"]),
                _ => call.Sse([Chat.Role(), Chat.Text("SUMMARY"), Chat.Finish("content_filter"), "[DONE]"]),
            },
        };
        (string, string)[] settings = how switch
        {
            "hangs" => [("History:SummaryTimeout", "00:00:00.3")],
            "limit" => [("Limits:PerOwner:RequestsPerMinute", "1")],
            "price" => [("Limits:PerOwner:BudgetPerDay", "100"), ("Limits:Prices:0:Model", "up/m"), ("History:SummaryModel", "up/cheap")],
            _ => [("Retry:MaxRetries", "0")],
        };
        await using var host = await StartAsync(upstream.PlayAsync, settings);
        var (path, body) = LongHistory.Of("native", turns: 20, MaxTokens);
        var (status, started) = await Api.SendAsync(host.Api.Post(path, body));
        status.ShouldBe(HttpStatusCode.Created);
        var snapshot = await host.Api.EndedAsync((string)started!["id"]!);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["trimmed"]!["summaryError"]!).ShouldBe(code);
        snapshot["trimmed"]!["summary"].ShouldBeNull();
        var asked = upstream.Asked.ShouldHaveSingleItem();
        asked.ShouldContain("Answer 19");
        asked.ShouldNotContain("left out here");
        ((int)snapshot["trimmed"]!["messages"]!).ShouldBe(24); // as many as a window leaves out
        host.Log.ShouldContain($"({code})");
    }

    [Fact]
    public async Task What_was_summed_up_before_stands_where_the_next_summary_fails()
    {
        var upstream = new Summing { Answer = _ => $"Answer. {LongHistory.Words}" };
        await using var host = await StartAsync(upstream.PlayAsync, ("Retry:MaxRetries", "0"));
        var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject()));
        var id = (string)made!["id"]!;
        var turn = 0;
        while (upstream.Sums.Count == 0) await TurnAsync(host, id, turn++);
        upstream.Sum = call => call.Json(503, "{}");
        JsonNode snapshot;
        do snapshot = await TurnAsync(host, id, turn++);
        while (snapshot["trimmed"]!["summaryError"] is null);
        upstream.Asked[^1].ShouldContain("SUMMARY-1");
        ((int)snapshot["trimmed"]!["messages"]!).ShouldBeGreaterThan((int)snapshot["trimmed"]!["summary"]!["messages"]!);

        upstream.Sum = null;
        snapshot = await TurnAsync(host, id, turn);
        snapshot["trimmed"]!["summaryError"].ShouldBeNull();
        upstream.Sums[^1].ShouldContain("SUMMARY-1");
        upstream.Asked[^1].ShouldContain($"SUMMARY-{upstream.Sums.Count}");
        ((int)snapshot["trimmed"]!["messages"]!).ShouldBe((int)snapshot["trimmed"]!["summary"]!["messages"]!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stop_stops_the_summary_and_nobody_is_asked(bool disconnects)
    {
        var upstream = new Summing { Sum = async call => { await call.Sse([Chat.Role(), Chat.Text("SUMM")]); await call.Hold(); } };
        await using var host = await StartAsync(upstream.PlayAsync, ("History:SummaryTimeout", "01:00:00"));
        var (path, body) = LongHistory.Of("native", turns: 20, MaxTokens);
        body["stream"] = true;
        body["onDisconnect"] = "cancel";
        string id, summary;
        UpstreamCall call;
        using (var client = await SseClient.OpenAsync(host.Api.Post(path, body)))
        {
            var said = (await client.NextAsync())!;
            (id, summary) = (View.Generation(said.Id!), (string)said.Json()["generation"]!);
            call = await host.Upstream.NextCallAsync();
            await Eventually.Is(async () => ((string)(await host.Api.SnapshotAsync(summary))["text"]!).Length > 0, "the summary begins");
            if (!disconnects) (await host.Api.StopAsync(id)).Status.ShouldBe(HttpStatusCode.OK);
        }

        var snapshot = await host.Api.EndedAsync(id);
        ((string)snapshot["status"]!, (string)snapshot["stopReason"]!).ShouldBe(("stopped", disconnects ? "disconnected" : "requested"));
        ((int)snapshot["usage"]!["inputTokens"]!, (int)snapshot["usage"]!["outputTokens"]!).ShouldBe((0, 0));
        await Eventually.Completes(call.Closed, "the provider's call ends");
        var stopped = await host.Api.EndedAsync(summary);
        ((string)stopped["status"]!, (string)stopped["usage"]!["source"]!).ShouldBe(("stopped", "estimated"));
        ((int)stopped["usage"]!["inputTokens"]!).ShouldBeGreaterThan(500);
        upstream.Asked.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_summary_that_is_stopped_by_itself_costs_the_answer_nothing_more()
    {
        var upstream = new Summing { Sum = call => call.Hold() };
        await using var host = await StartAsync(upstream.PlayAsync, ("History:SummaryTimeout", "01:00:00"));
        var (path, body) = LongHistory.Of("native", turns: 20, MaxTokens);
        body["stream"] = true;
        using var client = await SseClient.OpenAsync(host.Api.Post(path, body));
        var said = (await client.NextAsync())!;
        await host.Upstream.NextCallAsync();
        (await host.Api.StopAsync((string)said.Json()["generation"]!)).Status.ShouldBe(HttpStatusCode.OK);
        var snapshot = await host.Api.EndedAsync(View.Generation(said.Id!));
        ((string)snapshot["status"]!, (string)snapshot["trimmed"]!["summaryError"]!).ShouldBe(("finished", "requested"));
    }

    [Fact]
    public async Task A_conversation_that_is_deleted_takes_its_summaries_with_it_and_one_without_an_item_those_that_had_it()
    {
        var upstream = new Summing { Answer = _ => $"Answer. {LongHistory.Words}" };
        await using var host = await StartAsync(upstream.PlayAsync);
        var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject()));
        var id = (string)made!["id"]!;
        JsonNode? snapshot = null;
        for (var turn = 0; turn < 20 || upstream.Sums.Count < 2; turn++) snapshot = await TurnAsync(host, id, turn);
        var newest = (string)snapshot!["trimmed"]!["summary"]!["generation"]!;
        var first = (await host.Api.SnapshotAsync(newest)).ShouldNotBeNull();
        var (_, items) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items?order=asc&limit=4"));
        await Api.SendTextAsync(host.Api.Get($"v1/conversations/{id}/items/{(string)items!["data"]![3]!["id"]!}") with { Method = "DELETE" });
        (await Api.SendAsync(host.Api.Get($"v1/generations/{newest}"))).Status.ShouldBe(HttpStatusCode.NotFound);

        var sums = upstream.Sums.Count;
        snapshot = await TurnAsync(host, id, 99);
        upstream.Sums.Count.ShouldBeGreaterThan(sums); // anew, from what is left
        upstream.Sums[sums].ShouldContain("Question 0 ");
        upstream.Sums[sums].ShouldNotContain("SUMMARY-");
        newest = (string)snapshot["trimmed"]!["summary"]!["generation"]!;
        (await KeptAsync(host)).ShouldBePositive();
        await Api.SendTextAsync(host.Api.Get($"v1/conversations/{id}") with { Method = "DELETE" });
        (await Api.SendAsync(host.Api.Get($"v1/generations/{newest}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await KeptAsync(host)).ShouldBe(0);
    }

    [Fact]
    public async Task A_summary_that_an_operators_turn_made_serves_the_owner_and_goes_with_the_conversation()
    {
        var upstream = new Summing { Answer = _ => $"Answer. {LongHistory.Words}" };
        var (alice, admin) = (TestKey.For("alice"), TestKey.For("operator", ("Admin", "true")));
        await using var host = await StartAsync(upstream.PlayAsync, [.. alice.Settings, .. admin.Settings]);
        var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject()).By(alice));
        var id = (string)made!["id"]!;
        for (var turn = 0; upstream.Sums.Count == 0; turn++) await TurnAsync(host, id, turn, admin);
        await TurnAsync(host, id, 99, alice);
        upstream.Sums.Count.ShouldBe(1);
        upstream.Asked[^1].ShouldContain("SUMMARY-1");
        (await KeptAsync(host)).ShouldBe(1);
        await Api.SendTextAsync(host.Api.Get($"v1/conversations/{id}").By(alice) with { Method = "DELETE" });
        (await KeptAsync(host)).ShouldBe(0);
    }

    private static async Task<int> KeptAsync(PenstockHost host)
    {
        var count = 0;
        await foreach (var _ in host.Services.GetRequiredService<IStreamLog>().ListAsync("summaries/")) count++;
        return count;
    }

    private static Task<PenstockHost> StartAsync(UpstreamScript script, params (string, string)[] settings) => StartAsync(script, "memory", settings);

    private static Task<PenstockHost> StartAsync(UpstreamScript script, string storage, params (string, string)[] settings) =>
        PenstockHost.StartAsync(script, storage, [("Providers:up:Window", $"{Window}"), ("History:Policy", "summary"), .. settings]);

    private static async Task<JsonNode> TurnAsync(PenstockHost host, string conversation, int turn, TestKey? by = null)
    {
        var request = host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["conversation"] = conversation, ["input"] = $"Question {turn} {LongHistory.Words}" });
        using var reply = await RawReply.SendAsync(by is null ? request : request.By(by));
        reply.Status.ShouldBe(200, await reply.TextAsync());
        return by is null ? await host.Api.EndedAsync(reply.Headers["Penstock-Generation"]) : new JsonObject();
    }

    /// <summary>A provider that answers, and sums up where it is asked to: its summaries are numbered.</summary>
    private sealed class Summing(Wire? wire = null)
    {
        private readonly Wire _wire = wire ?? Wire.All[0];

        /// <summary>What it was to sum up.</summary>
        public List<string> Sums { get; } = [];

        /// <summary>What else it was asked.</summary>
        public List<string> Asked { get; } = [];

        /// <summary>Who was asked each time.</summary>
        public List<string> Models { get; } = [];

        public Func<UpstreamCall, string> Answer { get; init; } = _ => "Well.";

        /// <summary>What it does instead of summing up.</summary>
        public Func<UpstreamCall, Task>? Sum { get; set; }

        public async Task PlayAsync(UpstreamCall call)
        {
            var text = Encoding.UTF8.GetString(call.Body);
            if (LongHistory.IsCount(call))
            {
                await call.Json(404, "{}");
                return;
            }

            Models.Add(_wire.Model(call));
            if (!text.Contains(SumUp, StringComparison.Ordinal))
            {
                Asked.Add(text);
                await _wire.PlayAsync(call, new WireAnswer { Text = [Answer(call)] });
            }
            else if (Sum is not null)
            {
                await Sum(call);
            }
            else
            {
                Sums.Add(text);
                await _wire.PlayAsync(call, new WireAnswer { Text = [$"SUMMARY-{Sums.Count}"] });
            }
        }
    }
}
