using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>A server that may open no more files.</summary>
public sealed class FileLimitTests
{
    private const int MaxFiles = 320;

    [Fact]
    public async Task Clients_beyond_the_limit_of_open_files_wait_and_harm_nobody()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "prlimit is Linux's.");
        var go = new TaskCompletionSource();
        var tokens = Tokens.Of("full", 20);
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse(Chat.Answer(tokens).Take(6));
            await go.Task;
            await call.Sse(Chat.Answer(tokens).Skip(6).Append("[DONE]"));
        });
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk"), maxFiles: MaxFiles);
        using var open = await SseClient.OpenAsync(server.Api.Chat("up/m"));
        var events = new List<SseEvent> { (await open.NextAsync())! };

        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < MaxFiles; i++)
            {
                var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                idle.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, server.Url.Port); // the kernel takes it, whether or not the server does
            }

            const string Warning = "could not be accepted: TooManyOpenSockets";
            await Eventually.Is(() => server.Log.Contains(Warning, StringComparison.Ordinal), "the server says that it is full");

            // It asks again now and then, and neither spins nor repeats itself.
            // Not at once, since the runtime compiles for a while what was used.
            await Eventually.Is(
                async () =>
                {
                    var (before, since) = (server.ProcessorTime, Stopwatch.GetTimestamp());
                    await Task.Delay(TimeSpan.FromSeconds(1));
                    return server.ProcessorTime - before < Stopwatch.GetElapsedTime(since) / 4;
                },
                "it is at rest");
            server.Log.Split(Warning).Length.ShouldBe(2);

            go.SetResult();
            while (await open.NextAsync() is { } e) events.Add(e);
            View.ChatText(events).ShouldBe(string.Concat(tokens));
        }
        finally
        {
            foreach (var client in idle) client.Dispose();
        }

        using var reply = await RawReply.SendAsync(server.Api.Get("healthz"));
        reply.Status.ShouldBe(200);
    }
}
