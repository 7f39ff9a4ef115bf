using Microsoft.Extensions.Logging;
using Penstock.Generations.Conversations;
using Penstock.Generations.Summaries;
using Penstock.Generations.Tools;
using Penstock.Protocols;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Telemetry;

namespace Penstock.Generations;

/// <summary>Takes over a generation whose server died, and ends it, begins it anew, or goes on with it.</summary>
internal sealed class GenerationRecovery(
    IStreamLog log, StoredRequests requests, ConversationStore conversations, GenerationLimits limits, ModelRouter router, ToolLoops tools, Summarizer summarizer, GenerationOptions options, TimeProvider time, ILogger<GenerationRecovery> logger)
{
    // A request that kills every server that takes it must not do so for ever. Where the text goes on, only those in a row count that
    // died without a word: a cluster loses the way to its broker now and then, and takes that for a death.
    private const int MaxDeaths = 3;

    // Its watchers were cut off by us, and need a moment to come back.
    private static readonly TimeSpan _leastGrace = TimeSpan.FromSeconds(60);

    private readonly CrashPolicy _policy = options.OnCrash;

    /// <summary>Takes over what was begun.</summary>
    /// <param name="info">The stream.</param>
    /// <param name="id">The generation.</param>
    /// <param name="metadata">Its metadata.</param>
    /// <param name="ended">Called when the generation to run has ended.</param>
    /// <param name="handOvers">How many of those who had it before passed it on in good order.</param>
    /// <param name="passedOn">Whether the last of them did.</param>
    /// <returns>A generation to run, and its stream's writer; null when it was ended here, or by somebody else.</returns>
    /// <exception cref="StreamStorageException">The store cannot be reached, or is full.</exception>
    public async Task<(GenerationRun Run, IStreamWriter Stream)?> RecoverAsync(
        StreamInfo info, string id, GenerationMetadata metadata, Action<Generation> ended, int handOvers = 0, bool passedOn = false)
    {
        try
        {
            if (await log.TakeOverAsync(info.Path, info.Epoch) is not { } stream) return null;
            // Only now nobody else can add to it.
            var said = await ReadAsync(stream, id, metadata);
            await EndSummaryAsync(said, metadata);
            var deaths = _policy == CrashPolicy.Continue ? said.Barren + (passedOn ? 0 : 1) : stream.Epoch - metadata.FirstEpoch - handOvers;
            var plan = await PlanAsync(id, metadata, said, stream);
            if (plan is { Waits: false } && deaths >= MaxDeaths)
            {
                plan.Attempts?.Abandon();
                plan = null;
            }

            if (plan is null)
            {
                // What the request cost is not known any more.
                var usage = said.State.Started ? said.UsageSoFar(metadata.InputEstimate) : null;
                await EndAsync(stream, info, id, metadata, said, usage, new Ending(EventKind.Interrupted, Error: GenerationErrors.Crashed));
                return null;
            }

            var anew = plan.Begin == EventKind.Reset;
            var passthrough = anew && plan.Offered is null && plan.Steps is null && plan.Attempts!.Current.Target.Provider.Protocol.Name == metadata.Protocol;
            var (recorder, newWriter) = await ResumeAsync(stream, info, id, metadata, said, passthrough, replay: !anew);
            var attempt = (int)(stream.Epoch - metadata.FirstEpoch) + 1;
            var generation = await BeginAsync(info, id, metadata, recorder, plan, said, attempt, passedOn ? "handed_over" : AnswerSoFar.ServerDied, ended);
            return (new GenerationRun(generation, plan.Attempts, newWriter), stream);
        }
        catch (StreamException e) when (e is not StreamStorageException)
        {
            GenerationLog.RecoveryFailed(logger, id, e);
            return null;
        }
    }

    /// <summary>Takes over an open stream and ends it, whoever writes it.</summary>
    /// <param name="info">The stream.</param>
    /// <param name="id">The generation.</param>
    /// <param name="metadata">Its metadata.</param>
    /// <param name="ending">How it is to end.</param>
    /// <param name="wasQueued">Whether anybody can have run it.</param>
    /// <returns>False when somebody took it over in the same moment, and it may be open still.</returns>
    /// <exception cref="StreamStorageException">The store cannot be reached, or is full.</exception>
    public async Task<bool> TryEndAsync(StreamInfo info, string id, GenerationMetadata metadata, Ending ending, bool wasQueued = true)
    {
        try
        {
            if (await log.TakeOverAsync(info.Path) is not { } stream) return true;
            var said = await ReadAsync(stream, id, metadata);
            await EndSummaryAsync(said, metadata);
            var usage = wasQueued && stream.Epoch > metadata.FirstEpoch ? said.UsageSoFar(metadata.InputEstimate) : null; // else nobody was asked
            await EndAsync(stream, info, id, metadata, said, usage, ending);
            return true;
        }
        catch (StreamFencedException)
        {
            return false;
        }
        catch (StreamException e) when (e is StreamGoneException or StreamClosedException)
        {
            return true;
        }
    }

    private async Task EndAsync(
        IStreamWriter stream, StreamInfo info, string id, GenerationMetadata metadata, AnswerSoFar said, Usage? usage, Ending ending)
    {
        var (recorder, _) = await ResumeAsync(stream, info, id, metadata, said, passthrough: false, replay: true);
        await recorder.EndAsync(usage, ending.ToEvent());
        // Only by the one whose ending it became: others may be at it, too, and this one comes again where the store fails.
        await limits.SettleAsync(id, metadata.Limits, said.Model ?? metadata.Model, usage);
        if (metadata.Conversation is { } conversation) await conversations.TrySettleAsync(conversation);
    }

    /// <summary>Ends the summary that a lost worker was having made: it is on no queue. A server of its own ends it itself, at its start.</summary>
    private async Task EndSummaryAsync(AnswerSoFar said, GenerationMetadata metadata)
    {
        if (!metadata.Queued || said.Summary is not { } id || await log.GetAsync(GenerationPath.Of(id)) is not { Closed: false } info || GenerationMetadata.TryRead(info.Metadata) is not { } summary) return;
        await TryEndAsync(info, id, summary, new Ending(EventKind.Interrupted, Error: GenerationErrors.Crashed));
    }

    /// <summary>Goes on with a stream where its last writer left it.</summary>
    private async Task<(EventRecorder Recorder, Func<EventWriter> NewWriter)> ResumeAsync(
        IStreamWriter stream, StreamInfo info, string id, GenerationMetadata metadata, AnswerSoFar said, bool passthrough, bool replay)
    {
        // A protocol that this version does not know has at least the native ending.
        var protocol = ClientProtocols.Find(metadata.Protocol) ?? ClientProtocols.Native;
        var request = metadata.ToRequest();
        EventWriter NewWriter() => protocol.NewEventWriter(request, id, info.CreatedAt);
        var writer = NewWriter();
        var recorder = new EventRecorder(stream, writer, id, said.Model ?? metadata.Model, metadata.Protocol, passthrough) { Clock = new RecordClock(time, info.CreatedAt) };
        if (replay) await AsFarAsItGoes(id, AnswerSoFar.ReplayAsync(log, stream, writer));
        recorder.Resume(said.State);
        return (recorder, NewWriter);
    }

    private async Task<Generation> BeginAsync(
        StreamInfo info, string id, GenerationMetadata metadata, EventRecorder recorder, GoingOn plan, AnswerSoFar said, int attempt, string reason, Action<Generation> ended)
    {
        recorder.Trimmed = plan.Attempts?.Trimmed;
        if (plan.CutsBlocks) recorder.CutBlocks();
        await recorder.GoOnAsync(new GenerationEvent { Kind = plan.Begin, Attempt = attempt, StopReason = reason, Model = plan.Route.Targets[0].Name });
        if (plan.Begin == EventKind.Reset && plan.Steps is not null)
        {
            plan.Steps.Replay(new Again(recorder), stepsOnly: true);
            await recorder.StoreAsync();
            recorder.BeginStep();
        }

        var loop = tools.New(id, plan.Request, plan.Offered, recorder);
        if (plan.Attempts is null) loop!.From = (plan.Steps!, plan.Route);
        else loop?.TakeOver(plan.Steps, plan.InputTokens);
        var grace = metadata is { Queued: false, GraceSeconds: { } seconds }
            ? new DisconnectPolicy(TimeSpan.FromSeconds(Math.Max(seconds, _leastGrace.TotalSeconds)))
            : DisconnectPolicy.Detach; // or whoever watches does so at a gateway
        var generation = new Generation(id, recorder, log, plan.InputTokens, grace, ended, time, logger)
        {
            UsageBefore = plan.Attempts is null ? null : said.UsageOfStep(plan.InputTokens),
            Tools = loop,
            Summaries = summarizer.For(id, metadata),
            Conversation = metadata.Conversation,
            Filters = options.Filters,
            Meter = limits.MeterOn(id, metadata.Limits, info.CreatedAt, anew: plan.Begin == EventKind.Reset),
            Telemetry = new GenerationTelemetry(id, GenerationTelemetry.Operation(metadata.Protocol), metadata.TraceParent, time),
        };
        generation.Subscribers.Add();
        generation.Subscribers.Remove(); // nobody is there, and the grace begins
        GenerationLog.GoesOn(logger, id, attempt);
        return generation;
    }

    /// <summary>How to go on; null where that is not to be, or cannot be.</summary>
    private async Task<GoingOn?> PlanAsync(string id, GenerationMetadata metadata, AnswerSoFar said, IStreamWriter stream)
    {
        try
        {
            var steps = said.Steps > 0 ? await SnapshotAsync(stream, id, metadata) : null;
            var waits = steps is not null && ToolSteps.Waits(steps);
            if (_policy == CrashPolicy.Fail && !waits) return null;
            if (await requests.LoadAsync(id, metadata) is not { } request) return null;
            var target = router.Target(said.Model ?? metadata.Model); // who answered before
            var route = new Route(target);
            request = await new CallSignatures(log).RestoreAsync(request, route, new Owner(metadata.Owner));
            (request, var offered) = await tools.OfferAsync(request);
            var plan = new GoingOn(request, route, offered, steps) { Waits = waits };
            if (steps is not null && ToolSteps.IsBetween(steps)) return offered is null ? null : plan with { Begin = EventKind.Attempt };
            if (steps is not null) request = request with { Added = ToolSteps.Messages(steps) };
            if (_policy == CrashPolicy.Restart) return plan with { Begin = EventKind.Reset, Attempts = new Attempts(request, route, options.Retry), InputTokens = UsageEstimate.Input(request) };

            var text = said.Text.ToString();
            // Of a call half said nothing was seen but that it began.
            if (!said.IsContinuable && (steps is null || text.Length > 0 || ToolSteps.HasCall(steps))) return null;
            if (text.Length > 0 && !target.Provider.ContinuesPrefix) return null;
            if (text.Length > 0) request = request with { Prefix = text };
            return plan with
            {
                Begin = EventKind.Attempt,
                CutsBlocks = !said.IsContinuable,
                Attempts = new Attempts(request, route, options.Retry),
                InputTokens = UsageEstimate.Input(request),
            };
        }
        catch (RequestException e)
        {
            GenerationLog.RecoveryFailed(logger, id, e); // the configuration has changed: nobody answers for that model any more
            return null;
        }
    }

    private async Task<GenerationSnapshot> SnapshotAsync(IStreamWriter stream, string id, GenerationMetadata metadata)
    {
        using var reader = await log.OpenReaderAsync(stream.Path) ?? throw new StreamGoneException(stream.Path);
        return await GenerationSnapshot.ReadAsync(id, metadata.Model, stream.NextOffset, reader);
    }

    private async Task<AnswerSoFar> ReadAsync(IStreamWriter stream, string id, GenerationMetadata metadata)
    {
        var said = new AnswerSoFar(metadata.Choices);
        await AsFarAsItGoes(id, said.ReadAsync(log, stream));
        return said;
    }

    // A record that is damaged, or that a later version wrote, must not keep the stream from its ending, nor the server from starting.
    private async Task AsFarAsItGoes(string id, Task read)
    {
        try
        {
            await read;
        }
        catch (Exception e) when (e is not StreamStorageException)
        {
            GenerationLog.RecoveryFailed(logger, id, e);
        }
    }

    /// <summary>How a generation ends that is ended by another than who ran it.</summary>
    public readonly record struct Ending(EventKind Kind, string? Reason = null, GenerationError? Error = null)
    {
        public static Ending Stopped(string reason) => new(EventKind.Stopped, Reason: reason);

        public static Ending Failed(GenerationError error) => new(EventKind.Failed, Error: error);

        public GenerationEvent ToEvent() => new() { Kind = Kind, StopReason = Reason, Error = Error };
    }

    /// <summary>How a generation is gone on with.</summary>
    /// <param name="Request">What was asked, with the tools offered.</param>
    /// <param name="Route">Who is asked now.</param>
    /// <param name="Offered">The tools; null for none.</param>
    /// <param name="Steps">The log, where steps have ended with calls of tools; what they did stands, and is never done again.</param>
    private sealed record GoingOn(GenerationRequest Request, Route Route, ToolSet? Offered, GenerationSnapshot? Steps)
    {
        /// <summary>Reset, and what was said is void but for the steps that have ended; or Attempt, and it stands.</summary>
        public EventKind Begin { get; init; }

        /// <summary>It waits for a person: no server dies of that.</summary>
        public bool Waits { get; init; }

        /// <summary>What to ask; null where tools are run first.</summary>
        public Attempts? Attempts { get; init; }

        /// <summary>About how many tokens that has.</summary>
        public long InputTokens { get; init; }

        /// <summary>What was begun to be said is left as it is, and said anew.</summary>
        public bool CutsBlocks { get; init; }
    }

    /// <summary>Writes to a recorder what it has written before, and is void.</summary>
    private sealed class Again(EventRecorder recorder) : IEventSink
    {
        public void Write(in GenerationEvent generationEvent) => recorder.Add(generationEvent);
    }
}
