using System.IO.Pipelines;
using Penstock.Providers;
using Penstock.Testing;

namespace Penstock.Tests.Providers;

/// <summary>What a provider says while the store keeps its answer waiting.</summary>
public sealed class ReadAheadTests : IAsyncDisposable
{
    private readonly Pipe _connection = new(new PipeOptions(pauseWriterThreshold: 4096, resumeWriterThreshold: 1024));
    private readonly CallWatch _watch = new(new ManualTimeProvider(), TimeSpan.FromSeconds(10), TimeSpan.FromHours(1), CancellationToken.None);
    private readonly TaskCompletionSource _stored = new();
    private readonly ReadAhead _ahead;

    public ReadAheadTests() => _ahead = new ReadAhead(_connection.Reader.AsStream(), _watch);

    [Fact]
    public async Task What_comes_meanwhile_is_taken_in_and_given_at_once_behind_it()
    {
        var waiting = _ahead.WhileAsync(new ValueTask(_stored.Task), isProgress: true).AsTask();
        var said = new byte[100_000];
        Random.Shared.NextBytes(said);
        for (var i = 0; i < said.Length; i += 1000) await SayAsync(said.AsMemory(i, 1000)); // far more than the connection holds
        waiting.IsCompleted.ShouldBeFalse();
        _stored.SetResult();
        await waiting.WaitAsync(Eventually.Limit);
        var taken = new List<byte>();
        Take(taken);
        while (taken.Count < said.Length)
        {
            await _ahead.WaitAsync();
            await _ahead.WhileAsync(new ValueTask(Task.Delay(1)), isProgress: true);
            Take(taken);
        }

        taken.ShouldBe(said);
    }

    [Fact]
    public async Task A_read_that_still_waits_when_the_call_is_over_is_given_up_before_its_body_is_disposed()
    {
        var waiting = _ahead.WhileAsync(new ValueTask(_stored.Task), isProgress: true).AsTask();
        _stored.SetException(new IOException("full"));
        await Should.ThrowAsync<IOException>(waiting);
        await _ahead.DisposeAsync();
        _watch.Token.IsCancellationRequested.ShouldBeTrue();
        _connection.Reader.TryRead(out _).ShouldBeFalse(); // throws while somebody reads
    }

    [Fact]
    public async Task There_is_a_limit_and_then_the_provider_is_held_up()
    {
        var waiting = _ahead.WhileAsync(new ValueTask(_stored.Task), isProgress: true).AsTask();
        var saying = Task.Run(async () =>
        {
            for (var i = 0; i < 3000; i++) await SayAsync(new byte[1000]);
        });
        await Task.WhenAny(saying, Task.Delay(TimeSpan.FromSeconds(1)));
        saying.IsCompleted.ShouldBeFalse();
        _stored.SetResult();
        await waiting.WaitAsync(Eventually.Limit);
        _ahead.Take().Length.ShouldBeInRange(1024 * 1024, (1024 * 1024) + 16_384);
    }

    [Fact]
    public async Task A_connection_that_breaks_meanwhile_is_told_behind_what_was_taken_in_and_once_the_store_is_done()
    {
        var waiting = _ahead.WhileAsync(new ValueTask(_stored.Task), isProgress: true).AsTask();
        await SayAsync(new byte[5000]); // more than the connection holds, so it was taken in by now
        await _connection.Writer.CompleteAsync(new IOException("broken"));
        waiting.IsCompleted.ShouldBeFalse();
        _stored.SetResult();
        await waiting.WaitAsync(Eventually.Limit);
        _ahead.Take().Length.ShouldBe(5000);
        await Should.ThrowAsync<IOException>(async () => await _ahead.WaitAsync());
    }

    [Fact]
    public async Task A_store_that_fails_is_told()
    {
        var waiting = _ahead.WhileAsync(new ValueTask(_stored.Task), isProgress: true).AsTask();
        _stored.SetException(new InvalidOperationException("store"));
        await Should.ThrowAsync<InvalidOperationException>(() => waiting);
    }

    public async ValueTask DisposeAsync()
    {
        await _ahead.DisposeAsync();
        _watch.Dispose();
    }

    private async Task SayAsync(ReadOnlyMemory<byte> bytes) => await _connection.Writer.WriteAsync(bytes);

    private void Take(List<byte> into)
    {
        var (buffer, length) = _ahead.Take();
        if (buffer is not null) into.AddRange(buffer.AsSpan(0, length));
    }
}
