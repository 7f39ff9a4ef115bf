using Microsoft.Extensions.Logging;
using Penstock.Generations.Filters;
using Penstock.Jobs;
using Penstock.Protocols;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>A generation that runs in this process: one call to a provider, recorded into one stream, until its one ending.</summary>
internal sealed class Generation
{
    // How often a store that was gone is asked whether it takes the ending now.
    private static readonly TimeSpan _endAgain = TimeSpan.FromSeconds(5);

    private readonly EventRecorder _recorder;
    private ProviderCall? _call;
    private FilteredAnswer? _filtered;
    private readonly Subscribers _subscribers;
    private readonly Action<Generation> _ended;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<JobResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _inputEstimate;
    private Cut _cut;
    private string? _stopReason;
    private bool _left;

    /// <param name="id">Its id.</param>
    /// <param name="recorder">Writes its stream.</param>
    /// <param name="inputEstimate">About how many tokens the request has.</param>
    /// <param name="onDisconnect">What its last subscriber's leaving means.</param>
    /// <param name="ended">Called when it has ended.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public Generation(
        string id, EventRecorder recorder, long inputEstimate,
        DisconnectPolicy onDisconnect, Action<Generation> ended, TimeProvider time, ILogger logger)
    {
        Id = id;
        _ended = ended;
        _logger = logger;
        _recorder = recorder;
        _time = time;
        _inputEstimate = inputEstimate;
        _subscribers = new Subscribers(onDisconnect, time, () => Stop("disconnected"));
    }

    public string Id { get; }

    /// <summary>What it tells of itself.</summary>
    public required GenerationTelemetry Telemetry { get; init; }

    /// <summary>What its answer must not show.</summary>
    public IReadOnlyList<OutputFilter> Filters { get; init; } = [];

    /// <summary>What the attempts that came to nothing have cost, or null.</summary>
    public Usage? UsageBefore { get; init; }

    /// <summary>The offset of the last <c>reset</c>, up to which its stream is void; null for none.</summary>
    public long? ResetAt => _recorder.ResetAt;

    /// <summary>Completes when the generation has ended here; never fails. It is to be returned to the queue when its stream has no ending.</summary>
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
    /// <param name="attempts">Who is asked.</param>
    /// <param name="newWriter">A writer of the client's protocol for a further attempt, which begins as if none had been before.</param>
    public void Start(Attempts attempts, Func<EventWriter> newWriter)
    {
        Telemetry.Begin();
        _recorder.FirstOutput = () =>
        {
            attempts.Release();
            Telemetry.FirstOutput();
        };
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

    private async Task RunAsync(Attempts attempts, Func<EventWriter> newWriter)
    {
        try
        {
            while (await CallAsync(attempts) is { } error)
            {
                EndCall(error);
                if (_recorder.HasOutput || !attempts.MoveOn(error, out var pause))
                {
                    await FailAsync(error);
                    return;
                }

                GenerationLog.TriesAgain(_logger, Id, error.Code, attempts.Current.Target.Name, pause);
                if (pause > TimeSpan.Zero) await Task.Delay(pause, _time, _stop.Token);
                await _recorder.BeginAttemptAsync(
                    new GenerationEvent { Kind = EventKind.Attempt, Attempt = attempts.Number, StopReason = error.Code, Model = attempts.Current.Target.Name },
                    attempts.Current.Target,
                    newWriter());
            }

            EndCall(error: null);
            attempts.Release();
            _filtered?.End();
            await FinishAsync();
        }
        catch (AnswerStoppedException e)
        {
            GenerationLog.Filtered(_logger, Id, e.Filter);
            await EndAsync(new GenerationEvent { Kind = EventKind.Finished, Reason = FinishReason.ContentFilter, Reasons = _call!.ReasonsFor(FinishReason.ContentFilter) });
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
                ? new GenerationEvent { Kind = EventKind.Stopped, StopReason = _stopReason, Usage = FinalUsage() }
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
            attempts.Abandon();
            _subscribers.Dispose();
            Telemetry.End();
            _ended(this);
            _completion.SetResult(_left || Lost is not null ? JobResult.Return : JobResult.Done);
        }
    }

    // Not async, so that what is asked does not live as long as the answer.
    private Task<GenerationError?> CallAsync(Attempts attempts)
    {
        var request = attempts.Current;
        _filtered = Filters.Count > 0 ? new FilteredAnswer(_recorder, Filters) : null;
        _call = new ProviderCall(Id, request.Target, request.Choices, _filtered ?? (IAnswerSink)_recorder, _time, _logger);
        return _call.RunAsync(request, Telemetry.BeginCall(request.Target.Provider.Name, request.Target.Model), _stop.Token);
    }

    private void EndCall(GenerationError? error) => Telemetry.EndCall(error?.Code, _call!.Answer.Model);

    private Task FinishAsync() => EndAsync(new GenerationEvent
    {
        Kind = EventKind.Finished,
        Reason = _call!.Answer.Reason,
        Reasons = _call.Answer.Reasons,
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
            var usage = FailedEarly ? null : FinalUsage();
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
            GenerationLog.Fenced(_logger, Id, e); // somebody else writes this stream's ending
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
                return;
            }
            catch (StreamStorageException)
            {
                // Not yet.
            }
            catch (Exception e)
            {
                GenerationLog.Fenced(_logger, Id, e);
                return;
            }
        }
    }

    private static bool IsSomebodyElses(StreamException e) => e is StreamFencedException or StreamGoneException or StreamClosedException;

    private Usage FinalUsage()
    {
        var estimate = UsageEstimate.Of(_inputEstimate, _recorder.OutputBytes);
        if (_call?.Answer.Usage is not { } usage) return estimate;
        if (!_call.Answer.Finished && usage.OutputTokens is null)
        {
            // Messages counts the input before the answer, and the output only after it.
            var input = usage.InputTokens + (UsageBefore?.InputTokens ?? 0);
            return usage with { InputTokens = input, OutputTokens = estimate.OutputTokens, TotalTokens = input + estimate.OutputTokens, Source = UsageSource.Partial };
        }

        if (UsageBefore is { } before) usage = UsageEstimate.Add(usage, before);
        return _call.Answer.Finished ? usage : usage with { Source = UsageSource.Partial };
    }

    private enum Cut : byte
    {
        None,
        Stopped,
        Interrupted,
        Left,
    }
}
