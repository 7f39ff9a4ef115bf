using Penstock.Generations.Tools;
using Penstock.Streams;
using Penstock.Streams.Memory;
using Penstock.Testing;

namespace Penstock.Tests.Generations;

/// <summary>What people say to calls that wait for them.</summary>
public sealed class ApprovalsTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly MemoryStreamLog _log;
    private readonly Approvals _approvals;

    public ApprovalsTests()
    {
        _log = new MemoryStreamLog(new StreamStoreOptions(), _time);
        _approvals = new Approvals(_log, TimeSpan.FromHours(24), _time);
    }

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    [Fact]
    public async Task Who_says_yes_when_the_time_is_over_is_told_that_it_was_no()
    {
        await _approvals.AskAsync("gen_1");
        var waits = _approvals.WaitAsync("gen_1", 0, TimeSpan.FromMinutes(1), default);
        var other = _approvals.WaitAsync("gen_1", 1, TimeSpan.FromMinutes(2), default);
        _time.Advance(TimeSpan.FromMinutes(1));
        (await waits.WaitAsync(Eventually.Limit)).ShouldBe(false);
        (await _approvals.DecideAsync("gen_1", 0, approve: true)).ShouldBe(false);
        (await _approvals.DecideAsync("gen_1", 1, approve: true)).ShouldBe(true);
        (await other.WaitAsync(Eventually.Limit)).ShouldBe(true);
    }

    [Fact]
    public async Task A_word_that_is_said_again_is_not_kept_again()
    {
        await _approvals.AskAsync("gen_1");
        for (var i = 0; i < 100; i++) (await _approvals.DecideAsync("gen_1", 3, approve: i % 2 == 0)).ShouldBe(true);
        (await _log.GetAsync("approvals/gen_1"))!.NextOffset.ShouldBe(1);
        (await _approvals.DecideAsync("gen_2", 3, approve: true)).ShouldBeNull(); // where nobody is asked
    }
}
