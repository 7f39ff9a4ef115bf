using System.Buffers;
using System.Text;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Replies;

public sealed class NativeViewTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_event_with_its_time_costs_no_allocation(bool lines)
    {
        await using var log = new MemoryStreamLog(new StreamStoreOptions(), TimeProvider.System);
        const string Id = "gen_0123456789abcdef0123456789abcdef";
        var writer = await log.CreateAsync(Id, new StreamOptions());
        using (var batch = new StreamBatch())
        {
            EventRecord.Begin(batch, new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = "Hi"u8 }, time: 1234);
            batch.EndEvent();
            await writer.AppendAsync(batch);
        }

        using var from = new Subscription(Id, (await log.OpenReaderAsync(Id))!, generation: null);
        from.Reader.TryRead(out var record).ShouldBeTrue();
        var data = record.Data.ToArray();
        var (view, output) = (lines ? NativeLinesView.Instance : EventView.Native, new ArrayBufferWriter<byte>(4096));
        Allocations.Of(() =>
        {
            output.ResetWrittenCount();
            view.Write(from, new StreamEvent(7, data), 0, output);
        }).ShouldBe(0);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldContain($$"""{"type":"delta","block":0,"text":"Hi","at":{{from.Reader.CreatedAt.ToUnixTimeMilliseconds() + 1234}}""");
    }
}
