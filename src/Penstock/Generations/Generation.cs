using Microsoft.Extensions.Logging;
using Penstock.Generations.Filters;
using Penstock.Generations.Summaries;
using Penstock.Generations.Tools;
using Penstock.Jobs;
using Penstock.Protocols;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>A generation that runs in this process: one call to a provider, or one for each step where the server runs tools, recorded into one stream, until its one ending.</summary>
internal sealed class Generation
{
    // How often a store that was gone is asked whether it takes the ending now.
    private static readonly TimeSpan _endAgain = TimeSpan.FromSeconds(5);

    private readonly EventRecorder _recorder;
    private readonly IStreamLog _log;
    private GenerationCall? _call;
    private readonly Subscribers _subscribers;
    private readonly Action<Generation> _ended;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<JobResult> _completion = new();
    private long _inputEstimate;
    private long _bytesBefore;
    private Cut _cut;
    private string? _stopReason;
    private bool _left;

    /// <param name="id">Its id.</param>
    /// <param name="recorder">Writes its stream.</param>
    /// <param name="log">Where that is.</param>
    /// <param name="inputEstimate">About how many tokens the request has.</param>
    /// <param name="onDisconnect">What its last subscriber's leaving means.</param>
    /// <param name="ended">Called when it has ended.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public Generation(
        string id, EventRecorder recorder, IStreamLog log, long inputEstimate,
        DisconnectPolicy onDisconnect, Action<Generation> ended, TimeProvider time, ILogger logger)
    {
        Id = id;
        _ended = ended;
        _logger = logger;
        _recorder = recorder;
        _log = log;
        _time = time;
        _inputEstimate = inputEstimate;
        _subscribers = new Subscribers(onDisconnect, time, () => Stop("disconnected"));
    }

    public string Id { get; }

    /// <summary>What it tells of itself.</summary>
    public required GenerationTelemetry Telemetry { get; init; }

    /// <summary>The conversation that it is a turn of; null for none.</summary>
    public string? Conversation { get; init; }

    /// <summary>What its answer must not show.</summary>
    public IReadOnlyList<OutputFilter> Filters { get; init; } = [];

    /// <summary>What keeps it within limits; null where there are none.</summary>
    public GenerationMeter? Meter { get; init; }

    /// <summary>Runs the tools that the model calls; null where it is offered none of the server's.</summary>
    public ToolLoop? Tools { get; init; }

    /// <summary>Has summed up what its model cannot be sent; null where that is left out as it is.</summary>
    public SummaryMaker? Summaries { get; init; }

    /// <summary>It waits for people alone: nothing is lost when somebody goes on with it later.</summary>
    public bool Waits => Tools?.Waits is true;

    /// <summary>What the attempts that came to nothing have cost, or null.</summary>
    public Usage? UsageBefore { init => _recorder.UsageBefore = value; }

    /// <summary>The offset of the last <c>reset</c>, up to which its stream is void; null for none.</summary>
    public long? ResetAt => _recorder.ResetAt;

    /// <summary>
    /// Completes when the generation has ended here; never fails. It is to be returned to the queue when its stream has no ending.
    /// Who awaits it goes on on the event loop that ended it, where nothing may take long, unless it yields.
    /// </summary>
    public Task<JobResult> Completion => _completion.Task;

    /// <summary>
    /// Set when the store took not even the ending: what subscribers are told, since no record will tell them.
    /// The next start of the server ends the stream as interrupted.
    /// </summary>
    public GenerationError? Lost { get; private set; }

    public Subscribers Subscribers => _subscribers;

    // It failed before the provider said anything.
    private bool FailedEarly { get; set; }

    /// <summary>Asks the providers, one after another until one answers.</summary>
    /// <param name="attempts">Who is asked; null for nobody before tools are run that were called before.</param>
    /// <param name="newWriter">A writer of the client's protocol for a further attempt, which begins as if none had been before.</param>
    public void Start(Attempts? attempts, Func<EventWriter> newWriter)
    {
        Telemetry.Begin();
        _bytesBefore = _recorder.OutputBytes;
        _recorder.Meter = Meter;
        Meter?.Begin(_recorder.OutputBytes, Stop);
        _ = RunAsync(attempts, newWriter);
    }

    /// <summary>Ends the generation as stopped; the call to the provider is cut. Does nothing the second time.</summary>
    public void Stop(string reason) => Cancel(Cut.Stopped, reason);

    /// <summary>Ends the generation as interrupted, because the server goes down.</summary>
    public void Interrupt() => Cancel(Cut.Interrupted, reason: null);

    /// <summary>Lets go of the stream as it is: somebody else has it, or is to have it. The call to the provider is cut.</summary>
    public void Leave() => Cancel(Cut.Left, reason: null);

    private void Cancel(Cut cut, string? reason)
    {
        if (Interlocked.CompareExchange(ref _cut, cut, Cut.None) != Cut.None) return;
        _stopReason = reason;
        // Off this thread: cancelling runs the call's continuations.
        ThreadPool.UnsafeQueueUserWorkItem(static stop => stop.Cancel(), _stop, preferLocal: false);
    }

    private async Task RunAsync(Attempts? attempts, Func<EventWriter> newWriter)
    {
        try
        {
            if (attempts is null) attempts = Began(await Tools!.ResumeAsync(_stop.Token));
            else if (Tools is { Begins: true }) attempts = await BeginWithToolsAsync(Tools, attempts);
            if (Summaries is not null && attempts is { Trimmed.Summary: null }) await SummarizeAsync(Summaries, attempts);
            while (attempts is not null)
            {
                if (await AskAsync(attempts, newWriter) is { } error)
                {
                    await FailAsync(error);
                    return;
                }

                if (Tools is null) break;
                attempts = await NextStepAsync(Tools);
            }

            await FinishAsync();
        }
        catch (RequestException e) when (Tools is not null)
        {
            await FailAsync(new GenerationError(e.Code ?? "invalid_request", e.Message, e.Status, e.RetryAfter)); // of the next step
        }
        catch (AnswerStoppedException e)
        {
            GenerationLog.Filtered(_logger, Id, e.Filter);
            await EndAsync(new GenerationEvent { Kind = EventKind.Finished, Reason = FinishReason.ContentFilter, Reasons = _call?.ReasonsFor(FinishReason.ContentFilter) });
        }
        catch (LimitReachedException e)
        {
            await EndAsync(Stopped(e.Reason));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            if (_cut == Cut.Left)
            {
                _recorder.Discard();
                _left = true;
                Telemetry.Ends("left", error: null);
                return;
            }

            await EndAsync(_cut == Cut.Stopped
                ? Stopped(_stopReason)
                : new GenerationEvent { Kind = EventKind.Interrupted, Error = GenerationErrors.ShutDown });
        }
        catch (StreamException e) when (IsSomebodyElses(e))
        {
            Telemetry.Ends("left", error: null);
            GenerationLog.Fenced(_logger, Id, e);
        }
        catch (StreamException e)
        {
            GenerationLog.StoreFailed(_logger, Id, e);
            _recorder.Discard();
            await FailAsync(GenerationErrors.From(e));
        }
        catch (Exception e)
        {
            GenerationLog.Crashed(_logger, Id, e);
            _recorder.Discard();
            await FailAsync(GenerationErrors.Internal);
        }
        finally
        {
            attempts?.Abandon();
            _subscribers.Dispose();
            Meter?.Dispose();
            Telemetry.End();
            _ended(this);
            _completion.SetResult(_left || Lost is not null ? JobResult.Return : JobResult.Done);
        }
    }

    /// <summary>Has what the model cannot be sent summed up before it is asked.</summary>
    private async Task SummarizeAsync(SummaryMaker summaries, Attempts attempts)
    {
        var request = await summaries.FitAsync(attempts.Request, AnnounceAsync, _stop.Token);
        attempts.Change(request);
        Tools?.Change(request);
        (_recorder.Trimmed, _inputEstimate) = (request.Trimmed, UsageEstimate.Input(request));
        if (_recorder.Started && request.Trimmed is { } trimmed) _recorder.Add(new GenerationEvent { Kind = EventKind.Trimmed, Trimmed = trimmed }); // else it is said where the answer begins

        async ValueTask AnnounceAsync(string summary)
        {
            _recorder.Add(new GenerationEvent { Kind = EventKind.Summary, Id = summary });
            await _recorder.StoreAsync();
        }
    }

    /// <summary>Asks until an answer is whole.</summary>
    /// <returns>Null when it is; otherwise what went wrong.</returns>
    private async Task<GenerationError?> AskAsync(Attempts attempts, Func<EventWriter> newWriter)
    {
        GenerationError? broken = null;
        while (await CallAsync(attempts, newWriter) is { } error)
        {
            EndCall(error);
            if (_recorder.HasOutput) broken = error; // what came of going on is not what its client wants to know
            if (!(_recorder.HasOutput ? await GoOnAsync(attempts, error, newWriter) : await TryAgainAsync(attempts, error, newWriter))) return broken ?? error;
        }

        EndCall(error: null);
        attempts.Release(_call!.Telemetry.Elapsed);
        _call.ReleaseFilters();
        return null;
    }

    /// <summary>Where the model called tools of the server's they are run, and it is asked again.</summary>
    private async Task<Attempts?> NextStepAsync(ToolLoop tools)
    {
        return Began(await tools.NextAsync(_call!.Answer.Reason, UsageOfStep(), _call.Target, _stop.Token));
    }

    /// <summary>The client has decided on calls of an earlier answer: they come first.</summary>
    private async Task<Attempts?> BeginWithToolsAsync(ToolLoop tools, Attempts attempts)
    {
        var target = attempts.Current.Target;
        attempts.Abandon();
        return Began(await tools.BeginAsync(target, _stop.Token));
    }

    private Attempts? Began(Attempts? step)
    {
        if (step is not null) (_recorder.UsageBefore, _bytesBefore, _inputEstimate) = (null, _recorder.OutputBytes, Tools!.InputEstimate);
        return step;
    }

    /// <summary>Nothing was said yet: the same target is asked again, or the next one.</summary>
    private async Task<bool> TryAgainAsync(Attempts attempts, GenerationError error, Func<EventWriter> newWriter)
    {
        if (!attempts.MoveOn(error, out var pause)) return false;
        var target = attempts.Current.Target;
        GenerationLog.TriesAgain(_logger, Id, error.Code, target.Name, pause);
        await WaitAsync(pause);
        await _recorder.BeginAttemptAsync(Attempt(attempts, error.Code, target), target, newWriter());
        return true;
    }

    /// <summary>The answer broke off: the next target is given what was said, and goes on with it.</summary>
    private async Task<bool> GoOnAsync(Attempts attempts, GenerationError error, Func<EventWriter> newWriter)
    {
        if (!attempts.MayGoOn(error)) return false;
        _recorder.Discard();
        var said = await _recorder.ReadAsync(_log, _call!.Choices);
        if (!said.IsContinuable || !attempts.GoOn(said.Text.ToString(), out var pause)) return false;
        var target = attempts.Current.Target;
        GenerationLog.GoesOnWith(_logger, Id, error.Code, target.Name, pause);
        (_recorder.UsageBefore, _call) = (UsageOfStep(), null);
        _bytesBefore = _recorder.OutputBytes;
        await WaitAsync(pause);
        await _recorder.TurnToAsync(target, newWriter(), _log);
        await _recorder.GoOnAsync(Attempt(attempts, error.Code, target));
        return true;
    }

    private async Task WaitAsync(TimeSpan pause)
    {
        if (pause > TimeSpan.Zero) await Task.Delay(pause, _time, _stop.Token);
    }

    private static GenerationEvent Attempt(Attempts attempts, string reason, Target target) =>
        new() { Kind = EventKind.Attempt, Attempt = attempts.Number, StopReason = reason, Model = target.Name };

    // Not async, so that what is asked does not live as long as the answer.
    private Task<GenerationError?> CallAsync(Attempts attempts, Func<EventWriter> newWriter)
    {
        _recorder.FirstOutput = () =>
        {
            attempts.Release(_call!.Telemetry.Elapsed);
            Telemetry.FirstOutput();
        };
        if (attempts.HedgeAfter is { } after) return RaceAsync(attempts, after, newWriter);
        var request = attempts.Current;
        Answers(NewCall(request, tryWin: null));
        return _call!.RunAsync(request, _stop.Token);
    }

    private async Task<GenerationError?> RaceAsync(Attempts attempts, TimeSpan after, Func<EventWriter> newWriter)
    {
        void Won(GenerationCall call, Target? second, GenerationCall? outrun)
        {
            Answers(call);
            if (second is null) return;
            _recorder.BeginAttempt(Attempt(attempts, "slow", second), call.Target, newWriter());
            var read = outrun!.Answer.Usage?.InputTokens ?? _inputEstimate; // it has by now, and that is paid
            _recorder.UsageBefore = UsageEstimate.Add(UsageEstimate.Of(read, outputBytes: 0), _recorder.UsageBefore);
            Telemetry.Outran(outrun.Telemetry, read);
        }

        var race = new Race(attempts, NewCall, Won, _time);
        try
        {
            var error = await race.RunAsync(after, _stop.Token);
            if (race.AskedInVain is { } second) await _recorder.BeginAttemptAsync(Attempt(attempts, "slow", second), attempts.Current.Target, newWriter());
            return error;
        }
        finally
        {
            if (race.Call is { } last) Answers(last);
        }
    }

    private GenerationCall NewCall(ProviderRequest request, Func<GenerationCall, bool>? tryWin) => new(
        Id, request, _recorder, Filters, Tools?.Tools, Telemetry.BeginCall(request.Target.Provider.Name, request.Target.Model), _time, _logger, tryWin);

    private void Answers(GenerationCall call)
    {
        _call = call;
        Meter?.Asks(call.Target.Name);
        Telemetry.Answers(call.Telemetry);
    }

    private void EndCall(GenerationError? error) => _call!.Telemetry.End(error?.Code, _call.Answer.Model);

    private GenerationEvent Stopped(string? reason) =>
        new() { Kind = EventKind.Stopped, StopReason = reason, Reason = StopReasons.ToFinish(reason), Usage = UsageSoFar() };

    private Task FinishAsync() => EndAsync(new GenerationEvent
    {
        Kind = EventKind.Finished,
        Reason = Tools?.Reason ?? _call!.Answer.Reason,
        Reasons = Tools?.Reason is null ? _call!.Answer.Reasons : null,
    });

    private Task FailAsync(GenerationError error)
    {
        _recorder.DiscardPreamble();
        FailedEarly = !_recorder.Started;
        return EndAsync(new GenerationEvent { Kind = EventKind.Failed, Error = error });
    }

    private Task EndAsync(in GenerationEvent ending)
    {
        ValueTask append;
        try
        {
            var usage = FailedEarly ? null : UsageSoFar();
            // What nobody has counted was used all the same.
            Meter?.Settle(usage is { OutputTokens: null } ? usage with { OutputTokens = UsageEstimate.Of(input: null, _recorder.OutputBytes).OutputTokens } : usage);
            Telemetry.Ends(ending.Kind.ToString().ToLowerInvariant(), ending.Error?.Code, usage?.InputTokens, usage?.OutputTokens);
            if (ending.Error is { } error) GenerationLog.Failed(_logger, Id, error.Code);
            else GenerationLog.Ended(_logger, Id, ending.Kind, usage?.InputTokens, usage?.OutputTokens, usage?.Source);
            append = _recorder.EndAsync(usage, ending);
        }
        catch (Exception e)
        {
            append = ValueTask.FromException(e);
        }

        return AwaitEndAsync(append, ending.Error);
    }

    private async Task AwaitEndAsync(ValueTask append, GenerationError? error)
    {
        try
        {
            await append;
        }
        catch (StreamException e) when (IsSomebodyElses(e))
        {
            EndedElsewhere(e);
        }
        catch (Exception e)
        {
            // The closing blocks and usage did not fit, or could not be written: the bare ending may.
            error ??= e is StreamException stream ? GenerationErrors.From(stream) : GenerationErrors.Internal;
            try
            {
                _recorder.Discard();
                FailedEarly = !_recorder.Started;
                Telemetry.Ends("failed", error.Code);
                await _recorder.EndAsync(new GenerationEvent { Kind = EventKind.Failed, Error = error });
            }
            catch (StreamException last) when (IsSomebodyElses(last))
            {
                EndedElsewhere(last);
            }
            catch (Exception last)
            {
                GenerationLog.EndingLost(_logger, Id, last);
                Lost = error;
                if (last is StreamUnreachableException) _ = EndLaterAsync(error);
            }
        }
    }

    /// <summary>Ends the stream once its store is there again, for those who watch elsewhere or come back; should this server stop before, somebody else does.</summary>
    private async Task EndLaterAsync(GenerationError error)
    {
        while (true)
        {
            await Task.Delay(_endAgain, _time);
            try
            {
                _recorder.Discard();
                await _recorder.EndAsync(new GenerationEvent { Kind = EventKind.Failed, Error = error });
                _ = Meter?.SettleAgainAsync();
                return;
            }
            catch (StreamStorageException)
            {
                // Not yet.
            }
            catch (Exception e)
            {
                EndedElsewhere(e);
                return;
            }
        }
    }

    /// <summary>Somebody else writes this stream's ending, and counts what it has used.</summary>
    private void EndedElsewhere(Exception e)
    {
        GenerationLog.Fenced(_logger, Id, e);
        // One that is gone was ended before; one that is closed and nobody else's was closed by us, though we were not told.
        if (e is StreamFencedException) _ = Meter?.TakeBackAsync();
    }

    private static bool IsSomebodyElses(StreamException e) => e is StreamFencedException or StreamGoneException or StreamClosedException;

    /// <summary>What all steps and their attempts have used.</summary>
    private Usage UsageSoFar()
    {
        if (Tools?.Usage is not { } steps) return _call is null && _recorder.UsageBefore is null ? UsageEstimate.None : UsageOfStep();
        return Tools.IsBetween ? steps : UsageEstimate.Sum(steps, UsageOfStep());
    }

    // Between two calls nobody has read the request once more.
    private Usage UsageOfStep() => _call is null && _recorder.UsageBefore is { } before ? before : UsageEstimate.Add(UsageOfCall(), _recorder.UsageBefore);

    private Usage UsageOfCall()
    {
        var estimate = UsageEstimate.Of(_inputEstimate, _recorder.OutputBytes - _bytesBefore);
        if (_call?.Answer.Usage is not { } usage) return estimate;
        if (_call.Answer.Finished) return usage;
        if (usage.OutputTokens is not null) return usage with { Source = UsageSource.Partial };
        // Messages counts the input before the answer, and the output only after it.
        return usage with { OutputTokens = estimate.OutputTokens, TotalTokens = usage.InputTokens + estimate.OutputTokens, Source = UsageSource.Partial };
    }

    private enum Cut : byte
    {
        None,
        Stopped,
        Interrupted,
        Left,
    }
}
