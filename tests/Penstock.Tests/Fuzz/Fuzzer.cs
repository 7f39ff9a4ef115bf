using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Penstock.Testing;

namespace Penstock.Tests.Fuzz;

/// <summary>One input: makes it, feeds it, and throws what should not have been thrown.</summary>
/// <param name="random">The input's own.</param>
/// <param name="scratch">An empty buffer, the thread's own.</param>
internal delegate void FuzzTarget(ref FuzzRandom random, ArrayBufferWriter<byte> scratch);

/// <summary>Feeds a target with as many inputs as <c>PENSTOCK_FUZZ</c> says, and notices a crash, a hang, and memory without bound.</summary>
internal static class Fuzzer
{
    private const long MaxAllocated = 32 * 1024 * 1024;

    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(60);

    private static readonly ulong _seed = ulong.Parse(Environment.GetEnvironmentVariable("PENSTOCK_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);

    private static long Count => long.Parse(Environment.GetEnvironmentVariable("PENSTOCK_FUZZ") ?? "1000", CultureInfo.InvariantCulture);

    public static void Run(FuzzTarget target, int share = 1, [CallerMemberName] string name = "")
    {
        var count = Math.Max(1, Count / share);
        var took = Stopwatch.StartNew();
        var lanes = new Lane[Math.Min(Environment.ProcessorCount, 4)];
        long next = 0;
        for (var i = 0; i < lanes.Length; i++)
        {
            var lane = lanes[i] = new Lane();
            lane.Thread = new Thread(() => lane.Failure = Guard(() => Work(lane)), 1 << 20) { IsBackground = true }; // as small as the pool's
            lane.Thread.Start();
        }

        foreach (var lane in lanes)
        {
            while (!lane.Thread!.Join(TimeSpan.FromSeconds(1)))
            {
                var hung = lanes.FirstOrDefault(l => l.Began is var began && began != 0 && Stopwatch.GetElapsedTime(began) > _longest);
                if (hung is not null) throw new TimeoutException($"{name}: input {hung.Input} of seed {_seed} takes longer than {_longest.TotalSeconds} s.");
            }
        }

        if (lanes.FirstOrDefault(l => l.Failure is not null) is { } failed)
            throw new InvalidOperationException($"{name}: input {failed.Input} of seed {_seed}: {failed.Failure!.Message}", failed.Failure);
        Console.WriteLine($"{name}: {count} inputs of seed {_seed} in {took.Elapsed.TotalSeconds:F1} s, the largest allocation {lanes.Max(l => l.Largest) / 1024} KiB");

        void Work(Lane lane)
        {
            var scratch = new ArrayBufferWriter<byte>();
            while (Interlocked.Increment(ref next) is var input && input <= count && lanes.All(l => l?.Failure is null))
            {
                lane.Input = input;
                lane.Began = Stopwatch.GetTimestamp();
                var random = new FuzzRandom((_seed << 40) ^ (ulong)input);
                random.Next();
                scratch.ResetWrittenCount();
                var before = GC.GetAllocatedBytesForCurrentThread();
                target(ref random, scratch);
                var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                lane.Largest = Math.Max(lane.Largest, allocated);
                if (allocated > MaxAllocated) throw new InvalidOperationException($"It took {allocated} bytes.");
                lane.Began = 0;
            }
        }
    }

    private static Exception? Guard(Action work)
    {
        try
        {
            work();
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private sealed class Lane
    {
        public Thread? Thread { get; set; }

        public long Input { get; set; }

        public long Began { get; set; }

        public long Largest { get; set; }

        public Exception? Failure { get; set; }
    }
}
