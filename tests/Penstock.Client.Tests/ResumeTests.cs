using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Client.Tests;

/// <summary>Readers on a bad net: each event comes once and in order.</summary>
public sealed class ResumeTests(ResumeTests.ShortHeartbeat fixture) : IClassFixture<ResumeTests.ShortHeartbeat>
{
    private readonly PenstockProcess _server = fixture.Server;

    [Fact]
    public async Task A_stream_that_is_cut_at_any_of_its_bytes_comes_whole()
    {
        const string Model = "simulated/chat?tokens=3&tps=0&ttft=0";
        using var direct = _server.Direct();
        var sample = await direct.StartAsync("é😀", Model);
        var kept = await sample.WaitAsync();
        var times = (await direct.Attach(sample.Id).ReadAsync()).Select(e => e.At).ToList();
        times.ShouldAllBe(at => at - kept.CreatedAt < TimeSpan.FromMinutes(1));
        kept.UpdatedAt!.Value.ToUnixTimeMilliseconds().ShouldBe(times[^1]!.Value.ToUnixTimeMilliseconds());
        var (_, body) = await Api.SendTextAsync(_server.Api.Events(sample.Id));
        var length = body.Length + 400; // with its headers and chunks
        var cuts = 0;
        await Parallel.ForAsync(0, length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (bytes, _) =>
        {
            // Every other is read as it comes, the rest after it has ended.
            var id = bytes % 2 == 0 ? sample.Id : (await direct.StartAsync("é😀", Model)).Id;
            await using var proxy = new CuttingProxy(_server.Url, bytes);
            using var client = proxy.Through();
            var events = await client.Attach(id).ReadAsync();
            events.Select(e => e.Offset).ShouldBe(events.Select(e => e.Offset).Distinct().Order(), $"cut at {bytes}");
            Answers.TextOf(events).ShouldBe(kept.Text, $"cut at {bytes}");
            if (bytes % 2 == 0) events.Select(e => e.At).ShouldBe(times, $"cut at {bytes}");
            events.Where(e => e is not BlockDelta).Select(e => e.GetType().Name)
                .ShouldBe(["GenerationStarted", "BlockStarted", "BlockStopped", "UsageReported", "GenerationFinished"], $"cut at {bytes}");
            Interlocked.Add(ref cuts, proxy.Cuts);
        });
        cuts.ShouldBeGreaterThan(length - 450);
    }

    [Fact]
    public async Task A_start_whose_reply_is_cut_at_any_of_its_bytes_starts_one_generation()
    {
        using var direct = _server.Direct();
        var body = new JsonObject { ["prompt"] = "x", ["model"] = "simulated/chat?tokens=1&tps=0&ttft=0" };
        var ids = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 60).Select(n => n * 9), new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (bytes, _) =>
        {
            await using var proxy = new CuttingProxy(_server.Url, bytes);
            using var client = proxy.Through();
            var run = await client.StartAsync(body, $"cut-{bytes}", CancellationToken.None);
            ids.Add(run.Id);
            (await direct.StartAsync(body, $"cut-{bytes}", CancellationToken.None)).Id.ShouldBe(run.Id);
        });
        ids.Distinct().Count().ShouldBe(60);
    }

    [Theory]
    [InlineData(16 * 1024)]
    [InlineData(int.MaxValue)]
    public async Task Through_a_proxy_that_holds_bytes_back_an_answer_comes_whole(int bytes)
    {
        await using var proxy = new CuttingProxy(_server.Url) { BufferBytes = bytes };
        using var client = proxy.Through();
        var run = await client.StartAsync("held", "simulated/chat?tokens=400&tps=120");
        await (await run.ReadAsync()).ShouldBeWholeAsync(_server);
    }

    [Fact]
    public async Task A_connection_that_went_silent_without_a_word_is_left_after_the_missed_heartbeats()
    {
        await using var proxy = new CuttingProxy(_server.Url);
        var lost = new ConcurrentQueue<PenstockException>();
        using var client = proxy.Through(lost.Enqueue);
        var events = new List<PenstockEvent>();
        var run = await client.StartAsync("frozen", "simulated/chat?tokens=100&tps=100");
        var reading = Task.Run(async () =>
        {
            await foreach (var next in run)
            {
                events.Add(next);
                if (events.Count == 10) proxy.HoldsReplies = true;
            }
        });
        await Eventually.Is(() => !lost.IsEmpty, "the silence is noticed");
        proxy.HoldsReplies = false;
        await Eventually.Completes(reading, "the answer ends");
        lost.ShouldAllBe(e => e.Code == "network" && e.IsRetryable);
        await events.ShouldBeWholeAsync(_server);
    }

    [Fact]
    public async Task A_stream_that_is_silent_with_its_heartbeats_is_not_left()
    {
        var lost = new ConcurrentQueue<PenstockException>();
        using var client = new PenstockClient(new PenstockClientOptions { BaseAddress = _server.Url, OnReconnecting = lost.Enqueue });
        var run = await client.StartAsync("slow", "simulated/chat?tokens=3&ttft=4000");
        await (await run.ReadAsync()).ShouldBeWholeAsync(_server);
        lost.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_reader_that_hears_nothing_for_too_long_gives_up_and_says_where_it_was()
    {
        await using var proxy = new CuttingProxy(_server.Url);
        using var client = new PenstockClient(new PenstockClientOptions { BaseAddress = proxy.Url, MaxOutage = TimeSpan.FromSeconds(1) });
        var run = await client.StartAsync("lost", "simulated/chat?tokens=100&tps=50");
        var events = new List<PenstockEvent>();
        var error = await Should.ThrowAsync<PenstockException>(async () =>
        {
            await foreach (var next in run)
            {
                events.Add(next);
                if (events.Count != 10) continue;
                proxy.IsDown = true;
                proxy.CutAll();
            }
        });
        error.IsRetryable.ShouldBeTrue();
        error.EventId.ShouldBe(events[^1].Id);

        proxy.IsDown = false;
        events.AddRange(await client.Attach(error.EventId!).ReadAsync());
        await events.ShouldBeWholeAsync(_server);
    }

    // The platform tells of a connection that is reset as it opens in more than one way.
    [Fact]
    public async Task A_server_that_resets_every_connection_is_one_that_was_not_reached()
    {
        await using var proxy = new CuttingProxy(_server.Url) { IsDown = true };
        using var client = new PenstockClient(new PenstockClientOptions { BaseAddress = proxy.Url, MaxOutage = TimeSpan.FromTicks(1) });
        for (var i = 0; i < 500; i++) (await Should.ThrowAsync<PenstockException>(() => client.Attach("gen_0").ReadAsync())).Code.ShouldBe("network");
    }

    [Fact]
    public async Task Many_readers_and_starts_share_one_client()
    {
        using var client = _server.Direct();
        await Parallel.ForAsync(0, 40, async (n, _) =>
        {
            var run = await client.StartAsync($"prompt {n}", $"simulated/chat?tokens=40&tps=400&seed={n}");
            var readers = await Task.WhenAll(run.ReadAsync(), run.ReadAsync());
            await readers[0].ShouldBeWholeAsync(_server);
            readers[1].Select(e => e.Id).ShouldBe(readers[0].Select(e => e.Id));
            (await client.Attach(readers[0][5].Id).ReadAsync()).Select(e => e.Id).ShouldBe(readers[0].Skip(6).Select(e => e.Id));
        });
    }

    public sealed class ShortHeartbeat : IAsyncLifetime
    {
        public PenstockProcess Server { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Server = await PenstockProcess.StartAsync(new PenstockSettings().With("Streams:Heartbeat", "00:00:00.4"));

        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }
}
