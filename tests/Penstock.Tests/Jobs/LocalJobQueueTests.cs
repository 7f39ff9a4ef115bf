using Penstock.Jobs;

namespace Penstock.Tests.Jobs;

public sealed class LocalJobQueueTests : JobQueueCompliance
{
    [Fact]
    public async Task Where_there_is_room_the_job_has_begun_when_it_is_enqueued_and_what_it_carries_comes_along()
    {
        await using var queue = new LocalJobQueue();
        object? got = null;
        queue.Consume(1, delivery =>
        {
            got = delivery.Job.Local;
            return Task.FromResult(JobResult.Done);
        });
        var carried = new object();
        await queue.EnqueueAsync(new Job("gen_1") { Local = carried });
        got.ShouldBeSameAs(carried);
    }

    protected override IJobQueue NewQueue() => new LocalJobQueue();
}
