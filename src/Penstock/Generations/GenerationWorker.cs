using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Penstock.Generations.Conversations;
using Penstock.Generations.Summaries;
using Penstock.Generations.Tools;
using Penstock.Jobs;
using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>The half that holds the provider: takes jobs from the queue and runs their generations to their ends.</summary>
internal sealed class GenerationWorker(
    IStreamLog log, IJobQueue queue, StoredRequests requests, GenerationRecovery recovery, GenerationLimits limits, ModelRouter router, ToolLoops tools,
    Summarizer summarizer, ConversationStore conversations, Watchers watchers, GenerationOptions options, TimeProvider time, ILogger<GenerationWorker> logger) : IDisposable
{
    // How long to wait for a store that is away.
    private static readonly TimeSpan _storePause = TimeSpan.FromSeconds(1);

    // How often a shutdown looks who waits for people.
    private static readonly TimeSpan _drainLook = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, Generation> _running = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Task, bool> _jobs = new();
    private readonly WatchCheck _watch = new(log, watchers, time, logger);
    private readonly HandOvers _handOvers = new(log, time);
    private readonly CancellationTokenSource _draining = new();
    private IJobConsumer? _consumer;
    private int _runningCount;
    private volatile bool _isTimeUp;

    /// <summary>How many generations run in this process.</summary>
    public int Running => Volatile.Read(ref _runningCount); // the dictionary's own count takes all its locks

    /// <summary>The generation, if it runs in this process.</summary>
    public Generation? Find(string id) => _running.GetValueOrDefault(id) ?? summarizer.Find(id);

    private bool HandsOver => _isTimeUp && queue.SpansNodes && options.OnCrash != CrashPolicy.Fail;

    /// <summary>Takes jobs from now on.</summary>
    public void Start() => _consumer = queue.Consume(options.MaxRunning, TakeAsync);

    /// <summary>Makes a generation out of a stream that nobody has written yet.</summary>
    public GenerationRun New(
        IStreamWriter stream, string id, GenerationRequest request, ClientProtocol protocol, DateTimeOffset createdAt,
        GenerationMetadata metadata, Attempts attempts, ToolSet? offered, DisconnectPolicy onDisconnect)
    {
        var (light, target) = (metadata.ToRequest(), attempts.Current.Target);
        EventWriter NewWriter() => protocol.NewEventWriter(light, id, createdAt);
        var recorder = new EventRecorder(stream, NewWriter(), id, target.Name, request.Protocol, passthrough: request.Protocol == target.Provider.Protocol.Name)
        {
            Clock = new RecordClock(time, createdAt),
            HoldsPreamble = !request.Background,
            KeepsPreamble = protocol.KeepsPreamble,
            Trimmed = attempts.Trimmed,
        };
        return Register(new GenerationRun(new Generation(id, recorder, log, UsageEstimate.Input(request), onDisconnect, ended: Forget, time, logger)
        {
            Conversation = metadata.Conversation,
            Filters = options.Filters,
            Meter = limits.NewMeter(id, metadata.Limits),
            Tools = tools.New(id, request, offered, recorder),
            Summaries = summarizer.For(id, metadata),
            Telemetry = new GenerationTelemetry(id, GenerationTelemetry.Operation(protocol.Name), metadata.TraceParent, time),
        }, attempts, NewWriter));
    }

    /// <summary>Counts a generation as running, from before its job is taken.</summary>
    public GenerationRun Register(GenerationRun run)
    {
        _running[run.Generation.Id] = run.Generation;
        Interlocked.Increment(ref _runningCount);
        if (_draining.IsCancellationRequested) run.Generation.Subscribers.Dispose();
        return run;
    }

    public void Forget(Generation generation)
    {
        if (generation.Conversation is { } conversation) _ = conversations.TrySettleAsync(conversation);
        if (_running.TryRemove(KeyValuePair.Create(generation.Id, generation))) Interlocked.Decrement(ref _runningCount);
    }

    /// <summary>Takes no more jobs. What runs goes on, and does not miss the watchers that are sent away next.</summary>
    public void StopTaking()
    {
        _draining.Cancel();
        foreach (var generation in _running.Values) generation.Subscribers.Dispose();
    }

    /// <summary>Waits for what runs to end. What has not in time is handed over to another worker where there may be one and the policy lets it go on, or else interrupted.</summary>
    public async Task DrainAsync()
    {
        if (_consumer is not null) await _consumer.StopAsync();
        if (!_running.IsEmpty || !_jobs.IsEmpty) GenerationLog.Draining(logger, Math.Max(Running, _jobs.Count), options.ShutdownTimeout); // some of the jobs are about to begin
        var begun = time.GetTimestamp();
        var ended = Task.WhenAll([.. _running.Values.Select(g => g.Completion), .. _jobs.Keys]);
        while (!ended.IsCompleted && time.GetElapsedTime(begun) < options.ShutdownTimeout)
        {
            // What waits for people goes on after the restart; some come to wait only now.
            foreach (var generation in _running.Values.Where(g => g.Waits)) generation.Leave();
            await Task.WhenAny(ended, Task.Delay(_drainLook, time)).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }

        _isTimeUp = true; // before what runs is looked through, so that what begins meanwhile knows
        foreach (var generation in _running.Values) Cut(generation);
        await Task.WhenAll(_running.Values.Select(g => g.Completion)).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await Task.WhenAll(_jobs.Keys);
    }

    public void Dispose() => _watch.Dispose();

    private void Cut(Generation generation)
    {
        if (HandsOver || generation.Waits) generation.Leave();
        else generation.Interrupt();
    }

    private Task<JobResult> TakeAsync(JobDelivery delivery)
    {
        if (delivery.Job.Local is GenerationRun here)
        {
            // It is nobody else's to run: what it left, or could not end, would come back for ever.
            if (delivery.Redelivered) return Task.FromResult(JobResult.Done);
            here.Start();
            return here.Generation.Completion;
        }

        var job = RunStoredAsync(delivery);
        _jobs[job] = true;
        _ = job.ContinueWith(static (done, jobs) => ((ConcurrentDictionary<Task, bool>)jobs!).TryRemove(done, out _), _jobs, TaskScheduler.Default);
        return job;
    }

    private async Task<JobResult> RunStoredAsync(JobDelivery delivery)
    {
        var tries = new Tries();
        while (true)
        {
            try
            {
                return await TryRunStoredAsync(delivery, tries);
            }
            catch (StreamStorageException e)
            {
                // A job that came back at once would use up its deliveries while the store is away.
                GenerationLog.StoreAway(logger, delivery.Job.Id, _storePause, e.Message);
            }

            delivery = delivery with { Redelivered = true }; // we may have taken the stream over
            await ((Task)Task.Delay(_storePause, time, _draining.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_draining.IsCancellationRequested) return JobResult.Return;
        }
    }

    private async Task<JobResult> TryRunStoredAsync(JobDelivery delivery, Tries tries)
    {
        var job = delivery.Job;
        if (await log.GetAsync(GenerationPath.Of(job.Id)) is not { Closed: false } info) return JobResult.Done; // it was stopped, or is done
        if (info.Epoch > job.Epoch && (!delivery.Redelivered || await _handOvers.ContainsAsync(job))) return JobResult.Done; // it was enqueued twice, or again
        if (GenerationMetadata.TryRead(info.Metadata) is not { } metadata)
        {
            GenerationLog.Unreadable(logger, job.Id);
            return JobResult.Done;
        }

        if (Find(job.Id) is { } mine)
        {
            // We were cut from the queue, not from the provider or the store.
            await mine.Completion.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return await log.GetAsync(info.Path) is { Closed: false } ? JobResult.Return : JobResult.Done;
        }

        if (delivery.Dead)
        {
            await recovery.TryEndAsync(info, job.Id, metadata, GenerationRecovery.Ending.Failed(GenerationErrors.GivenUp));
            return JobResult.Done;
        }

        if (_isTimeUp) return JobResult.Return; // untouched, for another worker
        if (info.Epoch > job.Epoch) await _handOvers.KeepAsync(job);
        tries.Begin(info);
        // As it was before those: passed on to here in good order, or left by who died.
        job = job with { Epoch = job.Epoch + tries.InVain, HandOvers = job.HandOvers + tries.InVain };
        var first = info.Epoch - tries.InVain < metadata.FirstEpoch && (tries.InVain == 0 || info.NextOffset == 0);
        if ((first ? await BeginAsync(info, job, metadata) : await TakeOverAsync(info, job, metadata)) is not var (run, stream)) return JobResult.Done;
        tries.End();
        return await RunAsync(run, stream, delivery.Job, job.HandOvers, metadata, recovered: !first);
    }

    private async Task<JobResult> RunAsync(GenerationRun run, IStreamWriter stream, Job job, int handOvers, GenerationMetadata metadata, bool recovered)
    {
        var generation = run.Generation;
        _watch.Add(generation, metadata.OnDisconnect, wasWatched: recovered);
        // A stop from another node is its take-over of the stream.
        using var watch = log.WhenLost(stream, generation.Leave);
        if (_isTimeUp) Cut(generation);
        run.Start();
        var result = await generation.Completion.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (result == JobResult.Done)
        {
            if (!metadata.KeepsRequest) await requests.DeleteAsync(job.Id);
            return JobResult.Done;
        }

        try
        {
            if (await log.GetAsync(stream.Path) is not { Closed: false } info || info.Epoch > stream.Epoch) return JobResult.Done; // somebody else ended it, or has it
        }
        catch (StreamStorageException) when (generation.Lost is null)
        {
            // Whoever is handed it looks again.
        }

        if (!HandsOver && generation.Lost is not null) return JobResult.Return; // its ending could not be stored
        try
        {
            // Not returned, which the queue would count as a death.
            await queue.EnqueueAsync(job with { Epoch = stream.Epoch, HandOvers = handOvers + 1 });
            await _handOvers.AddAsync(job);
            GenerationLog.HandedOver(logger, job.Id);
            return JobResult.Done;
        }
        catch (JobQueueException)
        {
            return JobResult.Return;
        }
    }

    private Task<(GenerationRun Run, IStreamWriter Stream)?> TakeOverAsync(StreamInfo info, Job job, GenerationMetadata metadata) =>
        Registered(recovery.RecoverAsync(info, job.Id, metadata, ended: Forget, job.HandOvers, passedOn: info.Epoch == job.Epoch));

    private async Task<(GenerationRun Run, IStreamWriter Stream)?> Registered(Task<(GenerationRun Run, IStreamWriter Stream)?> recovered)
    {
        if (await recovered is not { } found) return null;
        Register(found.Run);
        return found;
    }

    /// <summary>Begins a generation that no worker has had before.</summary>
    private async Task<(GenerationRun Run, IStreamWriter Stream)?> BeginAsync(StreamInfo info, Job job, GenerationMetadata metadata)
    {
        GenerationError? error = null;
        Attempts? attempts = null;
        try
        {
            if (await requests.LoadAsync(job.Id, metadata) is { } request && ClientProtocols.Find(metadata.Protocol) is { } protocol)
            {
                var route = router.Route(request.Model);
                request = await new CallSignatures(log).RestoreAsync(request, route, new Owner(metadata.Owner));
                (request, var offered) = await tools.OfferAsync(request);
                request = HistoryWindow.Fit(request);
                attempts = new Attempts(request, route, options.Retry);
                if (await log.TakeOverAsync(info.Path, info.Epoch) is { } stream) return (New(stream, job.Id, request, protocol, info.CreatedAt, metadata, attempts, offered, DisconnectPolicy.Detach), stream);
                attempts.Abandon();
                return null;
            }
        }
        catch (RequestException e)
        {
            error = new GenerationError(e.Code ?? "invalid_request", e.Message, e.Status, e.RetryAfter);
        }
        catch (StreamException)
        {
            attempts?.Abandon(); // or its target would wait for ever for what comes of it
            throw;
        }

        await recovery.TryEndAsync(info, job.Id, metadata, GenerationRecovery.Ending.Failed(error ?? GenerationErrors.Internal));
        return null;
    }

    /// <summary>A worker's tries to run one job. Where the store fails it behind its own take-over of the stream, nobody has died.</summary>
    private sealed class Tries
    {
        private long? _next;

        /// <summary>How often this worker took the stream over and did not come to run it.</summary>
        public int InVain { get; private set; }

        /// <summary>The stream is to be taken over as it is.</summary>
        public void Begin(StreamInfo info)
        {
            if (info.Epoch == _next) InVain++;
            _next = info.Epoch + 1;
        }

        /// <summary>It runs: what comes now is no beginning any more.</summary>
        public void End() => (_next, InVain) = (null, 0);
    }
}
