using System.Text.Json.Nodes;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Telemetry;

public sealed class OperationsTests
{
    [Fact]
    public async Task A_target_that_fails_is_told_with_its_provider_until_it_is_well_again()
    {
        await using var host = await PenstockHost.StartAsync(
            Tokens.ByPrompt(), settings: [("Models:fast:Targets:0", "up/bad"), ("Models:fast:Targets:1", "up/m"), ("Retry:MaxRetries", "0")]);
        host.Upstream.ReplyTo("bad", call => call.Json(500, "{}"));
        (await TargetAsync(host, "up/bad")).ShouldBe(("asked", 0, 0));
        for (var i = 0; i < 10; i++) await SseClient.AllAsync(host.Api.Chat("fast", "a-3"));

        (await TargetAsync(host, "up/bad")).ShouldBe(("resting", 10, 10));
        (await TargetAsync(host, "up/m")).ShouldBe(("asked", 10, 0));
        var provider = (await host.Api.OperationsAsync())["providers"]!.AsArray().Single(p => (string)p!["name"]! == "up")!;
        ((int)provider["calls"]!, (int)provider["failures"]!).ShouldBe((20, 10));
        ((int)provider["usualDelayMs"]!).ShouldBeGreaterThanOrEqualTo(0);
    }

    [Fact]
    public async Task What_runs_is_told_and_that_nothing_waits_where_the_queue_is_this_process_own()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("a")]);
            await call.Hold();
        });
        for (var i = 0; i < 3; i++) await host.Api.StartAsync("up/m");
        var now = await host.Api.OperationsAsync();
        ((int)now["running"]!, (int)now["queue"]!["waiting"]!, (bool)now["queue"]!["ready"]!).ShouldBe((3, 0, true));
    }

    [Fact]
    public async Task It_is_for_operators()
    {
        TestKey alice = TestKey.For("alice"), admin = TestKey.For("root", ("Admin", "true"));
        await using var host = await TestKeys.StartAsync(alice, admin);
        (await host.Api.Get("v1/operations").By(alice).TextAsync()).ShouldStartWith("403");
        (await host.Api.Get("v1/operations").By(admin).TextAsync()).ShouldStartWith("200");
    }

    private static async Task<(string State, int Calls, int Failures)> TargetAsync(PenstockHost host, string name)
    {
        var target = (await host.Api.OperationsAsync())["targets"]!.AsArray().Single(t => (string)t!["target"]! == name)!;
        return ((string)target["state"]!, (int)target["calls"]!, (int)target["failures"]!);
    }
}

file static class OperationsApi
{
    public static async Task<JsonNode> OperationsAsync(this Api api) => (await Api.SendAsync(api.Get("v1/operations"))).Body!;
}
