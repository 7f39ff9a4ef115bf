using System.Diagnostics;
using Penstock.AspNetCore.Configuration;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary>The samples of <c>deploy/</c> in the real nginx and HAProxy.</summary>
public sealed class FrontTests
{
    [Theory]
    [InlineData("nginx", "chat")]
    [InlineData("nginx", "native")]
    [InlineData("haproxy", "chat")]
    [InlineData("haproxy", "native")]
    public async Task Row21_Each_token_is_seen_before_the_provider_says_the_next(string program, string surface)
    {
        const int Count = 30;
        using var seen = new SemaphoreSlim(0);
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse(Chat.Role());
            for (var i = 0; i < Count; i++)
            {
                await call.Sse(Chat.Text($"token-{i}."));
                await seen.WaitAsync();
            }

            await call.Sse([Chat.Finish(), Chat.Usage(1, Count), "[DONE]"]);
        });
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream));
        await using var front = await Front.StartAsync(program, [server.Url]);
        using var client = await SseClient.OpenAsync(surface == "chat" ? front.Api.Chat("up/m") : front.Api.Native("up/m", stream: true));
        var waited = Stopwatch.StartNew();
        for (var i = 0; i < Count;)
        {
            var e = (await client.NextAsync()).ShouldNotBeNull();
            if (!e.Data.Contains($"token-{i}.", StringComparison.Ordinal)) continue;
            seen.Release();
            i++;
        }

        waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(Count * 0.15)); // a proxy that collects before it sends takes 200 ms for each
        (await client.RestAsync()).ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("nginx")]
    [InlineData("haproxy")]
    public async Task A_silent_stream_outlives_the_proxys_timeout_by_its_heartbeats_and_not_without_them(string program)
    {
        var silence = new TaskCompletionSource();
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("first")]);
            await silence.Task;
            await call.Sse([Chat.Text("second"), Chat.Finish(), Chat.Usage(1, 2), "[DONE]"]);
        });
        var timeout = TimeSpan.FromSeconds(3);
        await using var beating = await PenstockProcess.StartAsync(PenstockSettings.For(upstream).With("Streams:Heartbeat", "00:00:00.5"));
        await using var silent = await PenstockProcess.StartAsync(PenstockSettings.For(upstream).With("Streams:Heartbeat", "01:00:00"));
        foreach (var server in new[] { beating, silent }) await Api.SendAsync(server.Api.Chat("simulated/chat?tps=0&ttft=0", stream: false)); // a first request takes long on a busy machine
        await using var front = await Front.StartAsync(program, [beating.Url], timeout);
        await using var other = await Front.StartAsync(program, [silent.Url], timeout);
        using var alive = await SseClient.OpenAsync(front.Api.Chat("up/m"));
        using var dead = await SseClient.OpenAsync(other.Api.Chat("up/m"));
        (alive.Reply.Status, dead.Reply.Status).ShouldBe((200, 200));
        var waited = Stopwatch.StartNew();
        await Should.ThrowAsync<IOException>(dead.RestAsync()); // the control: the timeout is there
        waited.Elapsed.ShouldBeGreaterThan(timeout / 2);
        await alive.ReadUntilAsync(c => c.Comments.Count >= 12);
        waited.Elapsed.ShouldBeGreaterThan(timeout * 1.5);
        silence.SetResult();
        View.ChatText(await alive.RestAsync()).ShouldBe("firstsecond");
    }

    [Fact]
    public void The_samples_agree_with_the_servers_own_limits()
    {
        var defaults = new PenstockOptions();
        defaults.Streams.Heartbeat.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(60) / 2);
        DeployFolder.Text("nginx.conf").ShouldContain("proxy_read_timeout 60s;");
        DeployFolder.Text("nginx.conf").ShouldContain($"client_max_body_size {defaults.Limits.MaxBodyBytes / (1024 * 1024)}m;");
        DeployFolder.Text("haproxy.cfg").ShouldContain("timeout server 60s");
        DeployFolder.Text("kubernetes/ingress.yaml").ShouldContain("proxy-read-timeout: \"60\"");
        DeployFolder.Text("kubernetes/ingress.yaml").ShouldContain($"proxy-body-size: {defaults.Limits.MaxBodyBytes / (1024 * 1024)}m");
        // And with the services that they stand before.
        foreach (var gateway in new ComposeFile().WithRole("gateway"))
        {
            DeployFolder.Text("nginx.conf").ShouldContain($"server {gateway}:8000 ");
            DeployFolder.Text("haproxy.cfg").ShouldContain($"server {gateway} {gateway}:8000");
        }
    }
}
