using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

public sealed class MemoryTests
{
    [Fact]
    public async Task Row17_A_line_without_an_end_is_an_error_not_memory()
    {
        var line = new byte[64 * 1024];
        Array.Fill(line, (byte)'x');
        var sent = 0L;
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("before")]);
            await call.Write("data: ");
            for (var i = 0; i < 1024; i++)
            {
                await call.Write(line);
                Interlocked.Add(ref sent, line.Length);
            }
        });
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "memory"));
        await SseClient.AllAsync(server.Api.Chat("simulated/chat?tps=0&ttft=0")); // warm
        var before = server.Memory;
        var peak = before;
        for (var i = 0; i < 4; i++)
        {
            var events = await SseClient.AllAsync(server.Api.Chat("up/m"));
            peak = Math.Max(peak, server.Memory);
            View.ChatText(events).ShouldBe("before");
            ((string)events[^1].Json()["error"]!["message"]!).ShouldContain("line");
        }

        Interlocked.Read(ref sent).ShouldBeLessThan(4 * 32L * 1024 * 1024); // the call was given up long before its 64 MiB
        (peak - before).ShouldBeLessThan(120L * 1024 * 1024);
    }
}
