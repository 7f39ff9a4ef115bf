using System.Text;
using Penstock.Streams;

namespace Penstock.Tests.Streams;

public sealed class StreamBatchTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(40)]
    public void A_batch_gives_back_its_events_the_first_time_and_used_again(int count)
    {
        using var batch = new StreamBatch();
        for (var round = 0; round < 2; round++)
        {
            string[] events = [.. Enumerable.Range(0, count).Select(i => $"event {round} {i}")];
            foreach (var text in events) batch.Add(Encoding.UTF8.GetBytes(text));
            batch.Count.ShouldBe(count);
            Encoding.UTF8.GetString(batch.Bytes).ShouldBe(string.Concat(events));
            batch.Ends.Length.ShouldBe(count);
            for (var i = 0; i < count; i++) Encoding.UTF8.GetString(batch[i]).ShouldBe(events[i]);
            batch.Clear();
            (batch.Count, batch.Bytes.Length, batch.Ends.Length).ShouldBe((0, 0, 0));
        }
    }

    [Fact]
    public void An_event_that_is_being_written_is_none_yet()
    {
        using var batch = new StreamBatch();
        batch.Add("one"u8);
        "tw"u8.CopyTo(batch.GetSpan(2));
        batch.Advance(2);
        (batch.Count, Encoding.UTF8.GetString(batch.Bytes), Encoding.UTF8.GetString(batch.Current)).ShouldBe((1, "one", "tw"));
        batch.EndEvent();
        (batch.Count, Encoding.UTF8.GetString(batch.Bytes), Encoding.UTF8.GetString(batch[1])).ShouldBe((2, "onetw", "tw"));
    }
}
