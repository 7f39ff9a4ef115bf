using Microsoft.Extensions.AI;
using Penstock.Testing;

namespace Penstock.Client.Tests;

/// <summary>Readers whose server dies under them.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task A_reader_gets_an_answer_through_ten_kills_of_its_server()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings().With("Generations:OnCrash", "continue").With("Streams:Heartbeat", "00:00:01"));
        // Holds the answer back while the server is away, so that the reader is still reading what is kept.
        await using var proxy = new CuttingProxy(server.Url) { DripBytes = 40 };
        using var direct = server.Direct();
        using var client = proxy.Through();
        var run = await direct.StartAsync("rivers", "simulated/chat?tokens=2000&tps=20&ttft=50");
        var events = new List<PenstockEvent>();
        var enough = 0;
        var reading = Task.Run(async () =>
        {
            var options = new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes(System.Text.Encoding.UTF8.GetBytes(run.Id)) };
            await foreach (var update in client.AsChatClient().GetStreamingResponseAsync([], options))
            {
                events.Add((PenstockEvent)update.RawRepresentation!);
                if (events.Count == Volatile.Read(ref enough)) proxy.HoldsReplies = true;
            }
        });
        for (var kill = 1; kill <= 10; kill++)
        {
            Volatile.Write(ref enough, kill * 6);
            proxy.HoldsReplies = false;
            await Eventually.Is(() => reading.IsCompleted || events.Count >= kill * 6, $"events come before kill {kill}");
            reading.IsCompleted.ShouldBeFalse($"the answer had ended before kill {kill}: {reading.Exception}");
            await SpeaksAsync();
            await server.Kill9();
            await server.StartAsync();
        }

        await SpeaksAsync();
        await direct.StopAsync(run.Id); // it would go on for longer than a test should
        proxy.HoldsReplies = false;
        await Eventually.Completes(reading, "the answer ends", TimeSpan.FromMinutes(2));
        var kept = await direct.Attach(run.Id).ReadAsync();
        events.OfType<BlockDelta>().Select(e => e.Id).ShouldBe(kept.OfType<BlockDelta>().Select(e => e.Id));
        Answers.TextOf(events).ShouldBe((await direct.GetAsync(run.Id)).Text);
        kept.Count(e => e is AttemptStarted).ShouldBe(10);
        kept[^1].ShouldBeOfType<GenerationStopped>();

        // Each server says something before it dies.
        async Task SpeaksAsync()
        {
            var said = (await direct.GetAsync(run.Id)).Text.Length;
            await Eventually.Is(async () => (await direct.GetAsync(run.Id)).Text.Length > said, "the answer goes on");
        }
    }

    [Fact]
    public async Task An_answer_that_is_begun_anew_is_never_shown_as_one()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings().With("Generations:OnCrash", "restart"));
        using var client = server.Direct();
        var chat = client.AsChatClient();
        var options = new ChatOptions { ModelId = "simulated/chat?tokens=60&tps=20&ttft=0", AllowBackgroundResponses = true };
        var killed = false;
        var error = await Should.ThrowAsync<PenstockException>(async () =>
        {
            await foreach (var update in chat.GetStreamingResponseAsync("rivers", options))
            {
                options.ContinuationToken = update.ContinuationToken ?? options.ContinuationToken;
                if (killed || update.Text.Length == 0) continue;
                killed = true;
                await server.Kill9();
                await server.StartAsync();
            }
        });
        error.Code.ShouldBe("answer_restarted");

        options.ContinuationToken = ResponseContinuationToken.FromBytes(System.Text.Encoding.UTF8.GetBytes(error.EventId!));
        var text = "";
        await foreach (var update in chat.GetStreamingResponseAsync([], options)) text += update.Text;
        var snapshot = await client.GetAsync(error.EventId!.Split('.')[0]);
        text.ShouldBe(snapshot.Text);

        // Whoever asks for the whole is given the one that counts.
        (await chat.GetResponseAsync([], options)).Text.ShouldBe(snapshot.Text);
    }
}
