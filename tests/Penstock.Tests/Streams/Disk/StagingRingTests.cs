using System.Buffers.Binary;
using Penstock.Streams.Disk;

namespace Penstock.Tests.Streams.Disk;

public sealed class StagingRingTests
{
    private const int Word = sizeof(long);

    [Fact]
    public async Task A_copy_that_was_overtaken_is_never_taken_for_good()
    {
        var ring = new StagingRing(8192, start: 0);
        long written = 0;
        var copied = 0;
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            Span<byte> copy = stackalloc byte[2048];
            while (!stop.IsCancellationRequested)
            {
                var end = Volatile.Read(ref written);
                var from = Math.Max(0, end - ring.Size);
                if (end - from < copy.Length || !ring.TryCopy(from, copy)) continue;
                copied++;
                for (var at = 0; at < copy.Length; at += Word) BinaryPrimitives.ReadInt64LittleEndian(copy[at..]).ShouldBe(from + at);
            }
        });
        var writing = Task.Run(() =>
        {
            Span<byte> record = stackalloc byte[512];
            for (long position = 0; Volatile.Read(ref copied) < 2000 && !reading.IsCompleted; position += record.Length)
            {
                for (var at = 0; at < record.Length; at += Word) BinaryPrimitives.WriteInt64LittleEndian(record[at..], position + at);
                ring.Claim(position + record.Length);
                ring.Write(position, record);
                Volatile.Write(ref written, position + record.Length);
                if (position % 65536 == 0) Thread.Yield();
            }
        });
        await writing.WaitAsync(StreamTesting.Patience);
        await stop.CancelAsync();
        await reading.WaitAsync(StreamTesting.Patience);
        copied.ShouldBeGreaterThanOrEqualTo(2000);
    }
}
