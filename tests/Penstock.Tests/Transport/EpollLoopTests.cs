using System.Diagnostics;
using Penstock.Testing;
using Penstock.Transport;

namespace Penstock.Tests.Transport;

/// <summary>What handlers do to their loop, and what it does for those beside them.</summary>
public sealed class EpollLoopTests
{
    [Fact]
    public async Task A_read_completes_on_its_loop()
    {
        await using var pair = await Pair.OpenAsync();
        var loop = CompleteAsync(pair, () => EpollLoop.Current);
        await pair.Peer.SendAsync("x"u8.ToArray());
        (await loop.WaitAsync(Eventually.Limit)).ShouldNotBeNull();
    }

    [Fact]
    public async Task What_one_handler_sets_for_its_flow_the_next_does_not_see()
    {
        var local = new AsyncLocal<string?>();
        for (var i = 0; i < Environment.ProcessorCount * 4; i++)
        {
            await using var pair = await Pair.OpenAsync();
            var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
            OnRead(pair, () =>
            {
                seen.SetResult(local.Value);
                local.Value = "left behind";
            });
            await pair.Peer.SendAsync("x"u8.ToArray());
            (await seen.Task.WaitAsync(Eventually.Limit)).ShouldBeNull();
        }
    }

    [Fact]
    public async Task Handlers_that_block_hold_up_nobody()
    {
        // More than there are loops, so that each loop is blocked, some of them again and again.
        using var release = new ManualResetEventSlim();
        var blocked = new List<(Pair Pair, Task Done)>();
        for (var i = 0; i < Environment.ProcessorCount * 3; i++)
        {
            var pair = await Pair.OpenAsync();
            blocked.Add((pair, CompleteAsync(pair, () => release.Wait(Eventually.Limit))));
            await pair.Peer.SendAsync("x"u8.ToArray());
        }

        for (var i = 0; i < Environment.ProcessorCount * 2; i++)
        {
            await using var other = await Pair.OpenAsync();
            var read = other.Stream.ReadAsync(new byte[1]).AsTask();
            await other.Peer.SendAsync("y"u8.ToArray());
            (await read.WaitAsync(Eventually.Limit)).ShouldBe(1);
        }

        blocked.ShouldAllBe(b => !b.Done.IsCompleted);
        release.Set();
        foreach (var (pair, done) in blocked)
        {
            await done.WaitAsync(Eventually.Limit);
            await pair.DisposeAsync();
        }
    }

    [Fact]
    public async Task Peers_that_never_pause_leave_the_others_their_turn()
    {
        using var stop = new CancellationTokenSource();
        var floods = new List<Task>();
        for (var i = 0; i < Environment.ProcessorCount * 2; i++)
        {
            var pair = await Pair.OpenAsync();
            floods.Add(Task.Run(async () =>
            {
                var block = new byte[64 * 1024];
                while (!stop.IsCancellationRequested) await pair.Peer.SendAsync(block);
                pair.Peer.Dispose();
            }));
            floods.Add(DrainAsync(pair));
        }

        for (var i = 0; i < 100; i++)
        {
            await using var other = await Pair.OpenAsync();
            var read = other.Stream.ReadAsync(new byte[1]).AsTask();
            await other.Peer.SendAsync("y"u8.ToArray());
            (await read.WaitAsync(Eventually.Limit)).ShouldBe(1);
        }

        await stop.CancelAsync();
        await Task.WhenAll(floods).WaitAsync(Eventually.Limit);
    }

    [Fact]
    public async Task A_descriptor_used_again_does_not_hear_of_what_it_was()
    {
        for (var i = 0; i < 500; i++)
        {
            await using var pair = await Pair.OpenAsync();
            var read = pair.Stream.ReadAsync(new byte[1]).AsTask();
            pair.Peer.Close();
            if (i % 2 == 0) await pair.Stream.DisposeAsync();
            try
            {
                (await read.WaitAsync(Eventually.Limit)).ShouldBe(0);
            }
            catch (Exception e) when (e is ObjectDisposedException or IOException && i % 2 == 0)
            {
                // It was disposed before the end was read.
            }
        }
    }

    [Fact]
    public async Task Idle_connections_cost_no_time()
    {
        var pairs = new List<Pair>();
        for (var i = 0; i < 100; i++)
        {
            pairs.Add(await Pair.OpenAsync());
            _ = pairs[i].Stream.ReadAsync(Memory<byte>.Empty).AsTask();
            _ = pairs[i].Stream.WriteAsync("written once"u8.ToArray()).AsTask();
        }

        // Loops that spun would use as much as passes, each; this process runs other tests beside, so threads are looked at.
        await Eventually.Is(
            async () =>
            {
                var before = LoopTime();
                var passed = Stopwatch.StartNew();
                await Task.Delay(200);
                return LoopTime() - before < passed.Elapsed / 2;
            },
            "the loops sleep");
        foreach (var pair in pairs) await pair.DisposeAsync();
    }

    // User and system time of the loops' threads, in clock ticks of 10 ms.
    private static TimeSpan LoopTime() => TimeSpan.FromMilliseconds(10 * Directory.GetDirectories("/proc/self/task")
        .Select(StatOf)
        .Where(stat => stat.Contains("(Penstock loop", StringComparison.Ordinal))
        .Select(stat => stat[(stat.LastIndexOf(')') + 2)..].Split(' '))
        .Sum(fields => long.Parse(fields[11], System.Globalization.CultureInfo.InvariantCulture) + long.Parse(fields[12], System.Globalization.CultureInfo.InvariantCulture)));

    private static string StatOf(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "stat"));
        }
        catch (IOException)
        {
            return ""; // a thread that has ended since it was listed
        }
    }

    // On the loop itself, without the flow that an async method brings with it.
    private static void OnRead(Pair pair, Action then) => pair.Stream.ReadAsync(new byte[1]).ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(then);

    private static async Task<T> CompleteAsync<T>(Pair pair, Func<T> then)
    {
        (await pair.Stream.ReadAsync(new byte[1])).ShouldBe(1);
        return then();
    }

    private static async Task DrainAsync(Pair pair)
    {
        await pair.Stream.CopyToAsync(Stream.Null);
        await pair.DisposeAsync();
    }
}
