using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Tools;

/// <summary>Tools that the server runs, called by the simulated model: what the log says of them, and what becomes of bad ones.</summary>
public sealed class ToolTests : IAsyncLifetime
{
    private const string Model = "simulated/chat?tps=0&ttft=0";

    private readonly TestTools _tools = new();
    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private PenstockHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await PenstockHost.StartAsync(_upstream, _tools.AddTo, ("Providers:simulated:Protocol", "simulated"));

    public async ValueTask DisposeAsync()
    {
        _tools.Open();
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task The_log_tells_what_was_done_and_a_snapshot_folds_it()
    {
        var events = await SseClient.AllAsync(_host.Api.Native(Model, "Call get_weather in Paris, then get_time in Paris.", stream: true));
        events.Where(e => e.Type() != "delta").Select(Shape).ShouldBe([
            "started",
            "block_start 0 server_tool_call get_weather", "block_stop 0", "step 1", "tool_run 0", "block_start 1 tool_result get_weather", "block_stop 1",
            "block_start 2 server_tool_call get_time", "block_stop 2", "step 2", "tool_run 2", "block_start 3 tool_result get_time", "block_stop 3",
            "block_start 4 text", "block_stop 4", "usage", "finished",
        ]);
        var snapshot = await _host.Api.SnapshotAsync(View.Generation(events[0].Id!));
        ((string)snapshot["finishReason"]!).ShouldBe("stop");
        var blocks = snapshot["blocks"]!.AsArray();
        blocks[0]!.ToJsonString().ShouldContain("\"server\":\"city\",\"run\":true");
        ((string)blocks[1]!["text"]!).ShouldBe("rain in Paris");
        ((int)blocks[3]!["call"]!).ShouldBe(2);
        ((string)snapshot["text"]!).ShouldStartWith("You asked:");
        ((string)snapshot["usage"]!["source"]!).ShouldBe("provider");
    }

    [Fact]
    public async Task Tools_that_are_called_at_once_run_at_once()
    {
        var id = await _host.Api.StartAsync(Model, "Use get_weather and wait_long and get_time in Paris.");
        await Eventually.Is(
            async () => (await _host.Api.SnapshotAsync(id))["blocks"]!.AsArray().Count(b => (string)b!["kind"]! == "tool_result") == 2, "the others have their results");
        _tools.Runs.Count.ShouldBe(3); // all had begun
        _tools.Open();
        await _host.Api.EndedAsync(id);
        var events = await SseClient.AllAsync(_host.Api.Events(id));
        events.Count(e => e.Type() == "step").ShouldBe(1);
        var results = events.Where(e => e.Type() == "block_start" && (string?)e.Json()["kind"] == "tool_result").Select(e => (string)e.Json()["name"]!).ToList();
        results.Count.ShouldBe(3);
        results[^1].ShouldBe("wait_long"); // each is told when it is there
    }

    [Theory]
    [InlineData("fail_plainly", "There is no such city.")]
    [InlineData("fail_badly", "The tool failed.")]
    [InlineData("never_heed", "The tool did not answer within 0.05 seconds.")]
    public async Task A_tool_that_fails_has_a_result_that_says_so(string tool, string says)
    {
        var id = await _host.Api.StartAsync(Model, $"Use {tool} in Paris.");
        var snapshot = await _host.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("finished");
        var result = snapshot["blocks"]![1]!;
        ((string)result["text"]!).ShouldBe(says);
        ((bool)result["isError"]!).ShouldBeTrue();
        ((string)snapshot["text"]!).ShouldContain(says);
        snapshot.ToJsonString().ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task A_huge_result_is_cut_off_and_says_so()
    {
        var snapshot = await _host.Api.EndedAsync(await _host.Api.StartAsync(Model, "Use fill_up in Paris."));
        var text = (string)snapshot["blocks"]![1]!["text"]!;
        text.Length.ShouldBeLessThan(66_000);
        text.ShouldEndWith("[Cut off here: these are the first 65536 of 100000 characters.]");
    }

    [Fact]
    public async Task Stopping_gives_up_the_tool_that_runs()
    {
        var id = await _host.Api.StartAsync(Model, "Use wait_long in Paris.");
        await Eventually.Is(() => _tools.Inside == 1, "the tool runs");
        await _host.Api.StopAsync(id);
        var snapshot = await _host.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("stopped");
        snapshot["blocks"]!.AsArray().Count.ShouldBe(1);
        ((string)snapshot["usage"]!["source"]!).ShouldBe("provider"); // of the one step
        await Eventually.Is(() => _tools.Cancelled == 1, "the tool was given up");
    }

    [Fact]
    public async Task A_tool_that_takes_its_time_holds_up_nobody_else()
    {
        var slow = await _host.Api.StartAsync(Model, "Use wait_long in Paris.");
        await Eventually.Is(() => _tools.Inside == 1, "the tool runs");
        for (var i = 0; i < 20; i++) ((string)(await _host.Api.EndedAsync(await _host.Api.StartAsync(Model, "Use get_time in Rome.")))["status"]!).ShouldBe("finished");
        ((string)(await _host.Api.SnapshotAsync(slow))["status"]!).ShouldBe("running");
    }

    private static string Shape(SseEvent e)
    {
        var json = e.Json();
        return string.Join(' ', new[] { e.Type(), (json["block"] ?? json["step"])?.ToString(), (string?)json["kind"], (string?)json["name"] }.Where(s => s is not null));
    }
}
