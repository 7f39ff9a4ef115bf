using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Tools;

/// <summary>Servers that are lost between the steps of an answer, and in the midst of one: what they leave on the disk is gone on with by another.</summary>
public sealed class ToolCrashTests : IAsyncLifetime
{
    private const string Model = "simulated/chat?tps=0&ttft=0";

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private readonly TestTools _before = new();
    private readonly TestTools _after = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _before.Open();
        _after.Open();
        await _upstream.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("continue")]
    public async Task A_tool_whose_run_was_begun_is_not_run_again(string policy)
    {
        var (snapshot, _) = await CrashAsync(policy, Model, "Use wait_long in Paris.", () => _before.Inside == 1);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["blocks"]![1]!["text"]!).ShouldStartWith("The server stopped while the tool ran.");
        ((string)snapshot["text"]!).ShouldContain("The server stopped while");
        _after.Runs.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("continue")]
    public async Task One_that_may_be_is_run_again(string policy)
    {
        _after.Open();
        var (snapshot, _) = await CrashAsync(policy, Model, "Use wait_again and get_time in Paris.", () => _before.Inside == 1 && _before.Done == 1);
        ((string)snapshot["status"]!).ShouldBe("finished");
        _after.Runs.ToArray().ShouldBe(["wait_again Paris"]); // the other had its result
        ((string)snapshot["text"]!).ShouldContain("Paris at last");
        ((string)snapshot["text"]!).ShouldContain("noon in Paris");
    }

    [Fact]
    public async Task Without_a_policy_it_ends_and_nothing_is_run()
    {
        var (snapshot, _) = await CrashAsync("fail", Model, "Use wait_again in Paris.", () => _before.Inside == 1);
        ((string)snapshot["status"]!).ShouldBe("interrupted");
        ((string)snapshot["usage"]!["source"]!).ShouldBe("provider");
        _after.Runs.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_step_that_was_cut_in_its_text_is_gone_on_with_to_the_byte()
    {
        const string Prompt = "Use get_weather in Paris.";
        var (snapshot, _) = await CrashAsync("continue", "simulated/chat?tps=200&ttft=0", Prompt, TextBegun);
        ((string)snapshot["status"]!).ShouldBe("finished");
        _after.Runs.ShouldBeEmpty();
        ((string)snapshot["text"]!).ShouldBe(await WholeAsync(Prompt));
        ((string)snapshot["usage"]!["source"]!).ShouldBe("partial");
    }

    [Fact]
    public async Task A_step_that_is_begun_anew_keeps_what_the_tools_did()
    {
        const string Prompt = "Use get_weather in Paris.";
        var (snapshot, events) = await CrashAsync("restart", "simulated/chat?tps=200&ttft=0", Prompt, TextBegun);
        ((string)snapshot["status"]!).ShouldBe("finished");
        _after.Runs.ShouldBeEmpty();
        ((string)snapshot["text"]!).ShouldBe(await WholeAsync(Prompt));
        snapshot["blocks"]!.AsArray().Select(b => (string)b!["kind"]!).ShouldBe(["server_tool_call", "tool_result", "text"]);
        var types = events.Select(e => e.Type()).ToList();
        types.Skip(types.IndexOf("reset")).Where(t => t != "delta").ShouldBe(
            ["reset", "started", "block_start", "block_stop", "step", "tool_run", "block_start", "block_stop", "block_start", "block_stop", "usage", "finished"]);
    }

    private async Task<string> WholeAsync(string prompt)
    {
        await using var host = await StartAsync("other", "fail", new TestTools());
        return (string)(await host.Api.EndedAsync(await host.Api.StartAsync(Model, prompt)))["text"]!;
    }

    private static async Task<bool> TextBegun(PenstockHost host, string id) => ((string)(await host.Api.SnapshotAsync(id))["text"]!).Length > 100;

    private Task<(JsonNode Snapshot, List<SseEvent> Events)> CrashAsync(string policy, string model, string prompt, Func<bool> until) =>
        CrashAsync(policy, model, prompt, (_, _) => Task.FromResult(until()));

    /// <summary>Starts a generation, has the server lost at a moment, and another one go on.</summary>
    private async Task<(JsonNode Snapshot, List<SseEvent> Events)> CrashAsync(string policy, string model, string prompt, Func<PenstockHost, string, Task<bool>> until)
    {
        string id;
        await using (var host = await StartAsync("data", policy, _before))
        {
            id = await host.Api.StartAsync(model, prompt);
            await Eventually.Is(() => until(host, id), "the moment comes");
            CopyTo(Path.Combine(_folder, "left"));
            _before.Open();
        }

        await using var next = await StartAsync("left", policy, _after);
        var snapshot = await next.Api.EndedAsync(id);
        return (snapshot, await SseClient.AllAsync(next.Api.Events(id)));
    }

    private Task<PenstockHost> StartAsync(string folder, string policy, TestTools tools) => PenstockHost.StartAsync(
        _upstream, tools.AddTo,
        ("Providers:simulated:Protocol", "simulated"), ("Storage:Kind", "disk"), ("Storage:Path", Path.Combine(_folder, folder)), ("Generations:OnCrash", policy));

    private void CopyTo(string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_folder, "data")).Where(f => Path.GetFileName(f) != "lock")) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
    }
}
