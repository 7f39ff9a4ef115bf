using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Tools;

/// <summary>Calls that wait for a person.</summary>
public sealed class ApprovalTests : IAsyncLifetime
{
    private const string Model = "simulated/chat?tps=0&ttft=0";
    private const string Prompt = "Use send_mail to Paris.";

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private readonly TestTools _tools = new();
    private PenstockHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_approved_call_runs_and_the_answer_goes_on()
    {
        var (id, call) = await WaitingAsync();
        _tools.Runs.ShouldBeEmpty();
        (await DecideAsync(id, call, true)).ShouldBe(HttpStatusCode.OK);
        var snapshot = await _host.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["text"]!).ShouldContain("sent to");
        ((string)snapshot["blocks"]![0]!["approval"]!).ShouldBe("approved");
        _tools.Runs.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_denied_call_does_not_run_and_the_model_is_told()
    {
        var (id, _) = await WaitingAsync();
        (await DecideAsync(id, "0", false)).ShouldBe(HttpStatusCode.OK);
        var snapshot = await _host.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["blocks"]![1]!["text"]!).ShouldBe("The tool was not run: a person did not allow it.");
        _tools.Runs.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_first_word_counts()
    {
        var (id, call) = await WaitingAsync();
        (await DecideAsync(id, call, true)).ShouldBe(HttpStatusCode.OK);
        (await DecideAsync(id, call, true)).ShouldBe(HttpStatusCode.OK);
        (await DecideAsync(id, call, false)).ShouldBe(HttpStatusCode.Conflict);
        await _host.Api.EndedAsync(id);
        (await DecideAsync(id, call, false)).ShouldBe(HttpStatusCode.Conflict);
        _tools.Runs.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_word_on_what_does_not_wait_is_refused()
    {
        var (id, call) = await WaitingAsync();
        (await DecideAsync(id, "call_other", true)).ShouldBe(HttpStatusCode.NotFound);
        (await DecideAsync("gen_0123456789abcdef0123456789abcdef", call, true)).ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(_host.Api.Post($"v1/generations/{id}/approvals/{call}", new JsonObject()))).Status.ShouldBe(HttpStatusCode.BadRequest);
        await _host.Api.StopAsync(id);
        ((string)(await _host.Api.EndedAsync(id))["status"]!).ShouldBe("stopped");
        (await DecideAsync(id, call, true)).ShouldBe(HttpStatusCode.Conflict);
        _tools.Runs.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_stream_that_waits_has_heartbeats_and_goes_on_in_its_own_protocol()
    {
        using var stream = await SseClient.OpenAsync(_host.Api.Post("v1/responses", new JsonObject { ["model"] = Model, ["input"] = Prompt, ["stream"] = true }));
        await stream.ReadUntilAsync(s => s.Comments.Count >= 2);
        var (_, list) = await Api.SendAsync(_host.Api.Get("v1/generations"));
        var id = (string)list!["data"]![0]!["id"]!;
        (await DecideAsync(id, "0", true)).ShouldBe(HttpStatusCode.OK);
        var rest = await stream.RestAsync();
        rest[^1].Name.ShouldBe("response.completed");
        var output = rest[^1].Json()["response"]!["output"]!.AsArray();
        output.Select(i => (string)i!["type"]!).ShouldBe(["mcp_call", "mcp_approval_request", "message"]);
        ((string)output[0]!["approval_request_id"]!).ShouldBe((string)output[1]!["id"]!);
    }

    [Fact]
    public async Task What_waits_when_the_server_stops_waits_on_after_the_restart()
    {
        var (id, call) = await WaitingAsync();
        await _host.StopAsync();
        await _host.DisposeAsync();
        _host = await StartAsync();
        ((string)(await _host.Api.SnapshotAsync(id))["status"]!).ShouldBe("running");
        (await DecideAsync(id, call, true)).ShouldBe(HttpStatusCode.OK);
        var snapshot = await _host.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["text"]!).ShouldContain("sent to");
        ((string)snapshot["usage"]!["source"]!).ShouldBe("provider"); // nothing was lost
        _tools.Runs.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Nobody_waits_for_ever()
    {
        await using var host = await StartAsync("impatient", ("Tools:ApprovalTimeout", "00:00:00.050"));
        var snapshot = await host.Api.EndedAsync(await host.Api.StartAsync(Model, Prompt));
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["blocks"]![0]!["approval"]!).ShouldBe("denied");
    }

    [Fact]
    public async Task A_restart_gives_nobody_more_time()
    {
        var time = new ManualTimeProvider();
        string id;
        await using (var host = await StartAsync(time))
        {
            id = await host.Api.StartAsync(Model, Prompt);
            await Eventually.Is(async () => (await host.Api.SnapshotAsync(id))["blocks"]!.AsArray().FirstOrDefault()?["approval"] is not null, "it waits");
            time.Advance(TimeSpan.FromMinutes(50));
            await host.StopAsync();
        }

        await using var next = await StartAsync(time);
        ((string)(await next.Api.SnapshotAsync(id))["status"]!).ShouldBe("running");
        time.Advance(TimeSpan.FromMinutes(11)); // of an hour
        ((string)(await next.Api.EndedAsync(id))["blocks"]![0]!["approval"]!).ShouldBe("denied");
        _tools.Runs.ShouldBeEmpty();

        Task<PenstockHost> StartAsync(TimeProvider clock) => PenstockHost.StartAsync(
            _upstream,
            services =>
            {
                services.AddSingleton(clock);
                _tools.AddTo(services);
            },
            ("Providers:simulated:Protocol", "simulated"), ("Storage:Kind", "disk"), ("Storage:Path", Path.Combine(_folder, "slow")));
    }

    private Task<PenstockHost> StartAsync(string folder = "data", params (string, string)[] settings) => PenstockHost.StartAsync(
        _upstream, _tools.AddTo,
        [("Providers:simulated:Protocol", "simulated"), ("Storage:Kind", "disk"), ("Storage:Path", Path.Combine(_folder, folder)), ("Streams:Heartbeat", "00:00:00.100"), .. settings]);

    private async Task<(string Id, string Call)> WaitingAsync()
    {
        var id = await _host.Api.StartAsync(Model, Prompt);
        using var stream = await SseClient.OpenAsync(_host.Api.Events(id));
        while (await stream.NextAsync() is { } e)
        {
            if (e.Type() == "approval") return (id, (string)e.Json()["id"]!);
        }

        throw new InvalidOperationException("It does not wait.");
    }

    private async Task<HttpStatusCode> DecideAsync(string id, string call, bool approve) =>
        (await Api.SendAsync(_host.Api.Post($"v1/generations/{id}/approvals/{call}", new JsonObject { ["approve"] = approve }))).Status;
}
