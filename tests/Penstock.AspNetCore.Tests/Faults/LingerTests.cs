using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>What a provider does after its answer is whole changes nothing in the answer.</summary>
public sealed class LingerTests
{
    [Fact]
    public async Task Row05_Comments_without_end_after_the_answer_do_not_hold_the_reply()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Answer(["a", "b"]));
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            while (await timer.WaitForNextTickAsync()) await call.Write(": keep-alive\n\n");
        });
        var read = SseClient.AllAsync(host.Api.Chat("up/m"));
        await Eventually.Completes(read, "the reply ends", TimeSpan.FromSeconds(10));
        View.ChatText(await read).ShouldBe("ab");
        View.IsDone((await read)[^1]).ShouldBeTrue();
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the connection is given up");
    }

    [Fact]
    public async Task A_stop_after_the_provider_has_finished_leaves_its_reason()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("a"), Chat.Finish("length"), Chat.Usage(1, 1)]);
            await call.Hold();
        });
        using var client = await SseClient.OpenAsync(host.Api.Native("up/m", stream: true));
        while ((await client.NextAsync()).ShouldNotBeNull().Type() != "usage") continue;
        var (_, snapshot) = await host.Api.StopAsync(client.Generation);
        ((string)snapshot!["status"]!).ShouldBe("finished");
        ((string)snapshot["finishReason"]!).ShouldBe("length");
        ((string)snapshot["usage"]!["source"]!).ShouldBe("provider");
        (await client.RestAsync()).ShouldHaveSingleItem().Type().ShouldBe("finished");
    }
}
