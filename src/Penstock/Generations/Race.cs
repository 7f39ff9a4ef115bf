using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>
/// Asks a target, and the next one too if the first is slow to begin. Who says something first answers; the other is cut off at
/// once, and nothing of it is seen.
/// </summary>
/// <param name="attempts">Who is asked.</param>
/// <param name="newCall">Makes a call that asks, before its first word, whether it answers.</param>
/// <param name="won">
/// Called once, before anything of the answer is recorded: who answers, and where a second target was asked, that and the call that was outrun.
/// </param>
/// <param name="time">The clock.</param>
internal sealed class Race(Attempts attempts, Func<ProviderRequest, Func<GenerationCall, bool>, GenerationCall> newCall, Action<GenerationCall, Target?, GenerationCall?> won, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _spoke = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Runner? _first;
    private Runner? _second;
    private Runner? _winner;

    /// <summary>The second target, where it was asked and neither said anything.</summary>
    public Target? AskedInVain => _winner is null ? _second?.Call.Target : null;

    /// <summary>The call that failed last, or has answered.</summary>
    public GenerationCall Call { get; private set; } = null!;

    /// <param name="after">How long the first has.</param>
    /// <param name="stop">Cuts off both.</param>
    /// <returns>Null when an answer is whole; otherwise what went wrong last.</returns>
    public async Task<GenerationError?> RunAsync(TimeSpan after, CancellationToken stop)
    {
        using var cutFirst = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var cutSecond = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Begin(ref _first, attempts.Current, cutFirst);
        await IsSlowAsync(_first!, after, stop);
        lock (_lock)
        {
            if (_winner is null && !_first!.Run.IsCompleted && !stop.IsCancellationRequested && attempts.Hedge() is { } beside) Begin(ref _second, beside, cutSecond);
        }

        if (_second is null) return await EndAsync(_first!);
        try
        {
            return await EndAsync(await FirstToSpeakAsync());
        }
        finally
        {
            // Neither may outlive the race: both write to one recorder if they win.
            await cutFirst.CancelAsync();
            await cutSecond.CancelAsync();
            await ((Task)_first!.Run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ((Task)_second.Run).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Begin(ref Runner? runner, ProviderRequest request, CancellationTokenSource cut)
    {
        var call = newCall(request, TryWin);
        runner = new Runner(call, cut);
        runner.Run = call.RunAsync(request, cut.Token); // it may speak at once
    }

    private async Task IsSlowAsync(Runner first, TimeSpan after, CancellationToken stop)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(first.Run, _spoke.Task, Task.Delay(after, time, enough.Token));
        await enough.CancelAsync();
    }

    // One that ends without having said anything leaves it to the other.
    private async Task<Runner> FirstToSpeakAsync()
    {
        var ended = await Task.WhenAny(_first!.Run, _second!.Run) == _first.Run ? _first : _second;
        lock (_lock)
        {
            if (_winner is not null) return _winner;
            if (!ended.Run.IsCompletedSuccessfully || ended.Run.Result is null) return ended;
            if (ended == _first) attempts.TurnToBeside(ended.Run.Result);
            else attempts.DropBeside(ended.Run.Result);
            ended.Call.Telemetry.End(ended.Run.Result.Code, ended.Call.Answer.Model);
            return Other(ended);
        }
    }

    private async Task<GenerationError?> EndAsync(Runner runner)
    {
        Call = runner.Call;
        if (await runner.Run is { } error) return error;
        try
        {
            await runner.Call.CommitAsync();
            return null;
        }
        catch (OutrunException)
        {
            Call = Other(runner).Call;
            return await Other(runner).Run;
        }
    }

    private bool TryWin(GenerationCall call)
    {
        lock (_lock)
        {
            if (_winner is not null) return _winner.Call == call;
            _winner = _second?.Call == call ? _second : _first!;
            if (_winner == _second) attempts.TurnToBeside(_first!.Call.Telemetry.Elapsed);
            won(call, _second?.Call.Target, _second is null ? null : Other(_winner).Call);
        }

        _spoke.TrySetResult();
        // Off this thread: cancelling runs the call's continuations, and this one has a token to show.
        if (_second is not null) ThreadPool.UnsafeQueueUserWorkItem(static loser => loser.Stop(), Other(_winner), preferLocal: false);
        return true;
    }

    private Runner Other(Runner runner) => runner == _first ? _second! : _first!;

    private sealed class Runner(GenerationCall call, CancellationTokenSource cut)
    {
        public GenerationCall Call => call;

        public Task<GenerationError?> Run { get; set; } = null!;

        public void Stop()
        {
            try
            {
                cut.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The race is over.
            }
        }
    }
}
