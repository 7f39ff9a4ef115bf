using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Penstock.Generations.Conversations;
using Penstock.Limits;
using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Providers;
using Penstock.Streams;
using Penstock.Telemetry;

namespace Penstock.Generations.Summaries;

/// <summary>
/// Has a model sum up what of a conversation its model cannot be sent. A summary is a generation of its own, with its own log, usage
/// and limits; it is made on top of the one before, of what came since, and kept. What goes wrong costs the summary and no more: then
/// the oldest exchanges are left out as they are without one, behind the newest summary that there is.
/// </summary>
internal sealed class Summarizer(
    SummaryStore store, IStreamLog log, GenerationLimits limits, ModelRouter router, HistoryOptions history, GenerationOptions options, TimeProvider time, ILogger<Summarizer> logger)
{
    // As long as the stream of an answer is kept that is not stored.
    private static readonly TimeSpan _unstored = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Generation> _running = new(StringComparer.Ordinal);

    /// <summary>The generation of a summary that is being made in this process.</summary>
    public Generation? Find(string id) => _running.GetValueOrDefault(id);

    /// <summary>What puts summaries into one answer's request; null where it wants none.</summary>
    public SummaryMaker? For(string generation, GenerationMetadata metadata) => metadata.Budget?.Summarizer is null ? null : new SummaryMaker(generation, metadata, this);

    /// <summary>The request with a summary of what its model cannot be sent.</summary>
    /// <param name="generation">For whom.</param>
    /// <param name="metadata">How that is labelled.</param>
    /// <param name="trimmed">The request, from which something was left out.</param>
    /// <param name="announce">Told of each generation that is to make a summary, before it begins.</param>
    /// <param name="stop">The answer is stopped.</param>
    /// <exception cref="OperationCanceledException">The answer was stopped.</exception>
    internal async Task<GenerationRequest> FitAsync(string generation, GenerationMetadata metadata, GenerationRequest trimmed, Func<string, ValueTask> announce, CancellationToken stop)
    {
        var whole = HistoryWindow.Whole(trimmed);
        var (budget, starts) = (whole.Budget!, SummarizedHistory.Starts(whole.Messages));
        if (starts.Count == 0) return trimmed; // the last exchange alone is too long
        (ExchangeStart Start, Summary Summary)? newest = null;
        string? error = null;
        using var timeout = new CancellationTokenSource(history.SummaryTimeout, time);
        try
        {
            var owner = await OwnerAsync(metadata);
            newest = await store.FindAsync(owner, budget.SummaryTokens, starts);
            if (newest is { } found && Replace(found) is var enough && HistoryWindow.Fits(enough)) return enough;
            var goal = SummarizedHistory.Goal(whole, starts);
            while (newest is null || newest.Value.Start.Index < goal.Index)
            {
                var from = newest?.Start.Index ?? HistoryWindow.FirstOf(whole.Messages);
                var ahead = starts.Where(s => s.Index > from && s.Index <= goal.Index).ToList();
                var (request, reaches) = SummaryRequest.Of(budget.Summarizer!, WindowOf(budget), budget, newest?.Summary.Text, whole.Messages, from, ahead);
                var made = await MakeAsync(generation, metadata, request, whole.Store, announce, timeout.Token, stop);
                newest = (ahead[reaches - 1], made);
                await KeepAsync(generation, owner, budget, newest.Value, whole.Store, metadata.Conversation is not null);
            }
        }
        catch (SummaryFailedException e)
        {
            error = e.Code;
        }
        catch (RequestException e)
        {
            error = e.Code ?? "invalid_request";
        }
        catch (StreamException e) when (!stop.IsCancellationRequested)
        {
            error = GenerationErrors.From(e).Code;
        }

        stop.ThrowIfCancellationRequested();
        if (error is not null) SummaryLog.Failed(logger, generation, router.NameOf(budget.Summarizer), error);
        var fit = HistoryWindow.Fit(newest is { } last ? Replace(last) : whole);
        return fit.Trimmed is null ? fit : fit with { Trimmed = fit.Trimmed with { SummaryError = error } };

        GenerationRequest Replace((ExchangeStart Start, Summary Summary) with) => SummarizedHistory.Replace(whole, with.Start, with.Summary.Generation, with.Summary.Text);
    }

    /// <summary>Runs the generation that makes a summary.</summary>
    private async Task<Summary> MakeAsync(
        string generation, GenerationMetadata metadata, GenerationRequest request, bool? isStored, Func<string, ValueTask> announce, CancellationToken late, CancellationToken stop)
    {
        if (late.IsCancellationRequested) throw new SummaryFailedException("summary_timeout");
        var id = GenerationId.New();
        var run = await NewAsync(id, generation, metadata, request, isStored, announce);
        _running[id] = run.Generation;
        try
        {
            run.Start();
            using var onStop = stop.UnsafeRegister(static g => ((Generation)g!).Stop(StopReasons.Requested), run.Generation);
            using var onLate = late.UnsafeRegister(static g => ((Generation)g!).Stop(StopReasons.TimeLimit), run.Generation);
            await run.Generation.Completion.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
        finally
        {
            _running.TryRemove(id, out _);
        }

        stop.ThrowIfCancellationRequested();
        return new Summary(id, await ReadAsync(id, request, metadata.Budget!, late.IsCancellationRequested));
    }

    private async Task<GenerationRun> NewAsync(
        string id, string generation, GenerationMetadata answer, GenerationRequest request, bool? isStored, Func<string, ValueTask> announce)
    {
        var route = router.Route(request.Model);
        var attempts = new Attempts(request, route, options.Retry);
        Admitted? admitted = null;
        try
        {
            // It runs beside the answer that waits for it, and takes no other's place.
            if (answer.Limits?.Payer is { } payer)
                admitted = await limits.AdmitAsync(id, new Payer(payer.Owner, [.. payer.Accounts.Select(a => a with { Limits = a.Limits with { Streams = null } })]), request, router.NameOf(request.Model), route.Targets.Select(t => t.Name));
            var target = attempts.Current.Target;
            var metadata = new GenerationMetadata(request.Protocol, Stream: true, IncludeUsage: false, Choices: 1, request.Model, target.Name)
            {
                Owner = answer.Owner,
                InputEstimate = UsageEstimate.Input(request),
                TraceParent = answer.TraceParent,
                Limits = admitted?.Terms,
                SummaryFor = generation,
            };
            await announce(id); // before it is there: whoever takes the answer over ends this one too
            var stream = await log.CreateAsync(GenerationPath.Of(id), new StreamOptions { Metadata = metadata.ToBytes(), Retention = isStored is false ? _unstored : null });
            var createdAt = time.GetUtcNow();
            EventWriter NewWriter() => ClientProtocols.Native.NewEventWriter(metadata.ToRequest(), id, createdAt);
            var recorder = new EventRecorder(stream, NewWriter(), id, target.Name, request.Protocol, passthrough: false) { Clock = new RecordClock(time, createdAt) };
            return new GenerationRun(new Generation(id, recorder, log, UsageEstimate.Input(request), DisconnectPolicy.Detach, ended: static _ => { }, time, logger)
            {
                Filters = options.Filters,
                Meter = limits.NewMeter(id, metadata.Limits),
                Telemetry = new GenerationTelemetry(id, GenerationTelemetry.Operation(request.Protocol), metadata.TraceParent, time),
            }, attempts, NewWriter);
        }
        catch
        {
            attempts.Abandon();
            await limits.CancelAsync(id, admitted?.Terms);
            throw;
        }
    }

    private async Task<string> ReadAsync(string id, GenerationRequest request, HistoryBudget budget, bool wasLate)
    {
        var info = await log.GetAsync(GenerationPath.Of(id)) ?? throw new SummaryFailedException("summary_deleted");
        using var reader = await log.OpenReaderAsync(info.Path) ?? throw new SummaryFailedException("summary_deleted");
        var made = await GenerationSnapshot.ReadAsync(id, info, info.NextOffset, reader);
        if (made is not { Status: "finished", FinishReason: not FinishReason.ContentFilter })
            throw new SummaryFailedException(wasLate ? "summary_timeout" : made.Error?.Code ?? made.StopReason ?? (made.FinishReason is null ? "internal_error" : "content_filter"));
        var text = JsonText.ToText([.. made.Blocks.Where(b => b.Kind == BlockKind.Text).SelectMany(b => b.Text.WrittenSpan.ToArray())]).Trim();
        return text.Length > 0 ? Transcript.Clip(text, (int)(budget.SummaryTokens * TokenEstimate.BytesPerToken)) : throw new SummaryFailedException("summary_empty");
    }

    /// <summary>Whose summaries serve: the conversation's owner's, who need not be the one who has this turn, and with whose conversation they go.</summary>
    private async ValueTask<string?> OwnerAsync(GenerationMetadata metadata) =>
        metadata.Conversation is { } id && await log.GetAsync(ConversationId.PathOf(id)) is { } info ? ConversationLabel.Of(info).Owner : metadata.Owner;

    private async ValueTask KeepAsync(string generation, string? owner, HistoryBudget budget, (ExchangeStart Start, Summary Summary) made, bool? isStored, bool isConversation)
    {
        try
        {
            await store.SaveAsync(owner, budget.SummaryTokens, made.Start, made.Summary, isStored, isConversation);
        }
        catch (StreamStorageException e)
        {
            SummaryLog.NotKept(logger, generation, e); // this answer has it all the same
        }
    }

    private long WindowOf(HistoryBudget budget) => HistoryBudgets.WindowOf(router.Route(budget.Summarizer)) is > 0 and var window ? window : budget.Window;
}

/// <summary>Puts summaries into the request of one answer.</summary>
/// <param name="generation">The answer.</param>
/// <param name="metadata">How it is labelled.</param>
/// <param name="summarizer">Makes them.</param>
internal sealed class SummaryMaker(string generation, GenerationMetadata metadata, Summarizer summarizer)
{
    /// <inheritdoc cref="Summarizer.FitAsync"/>
    public Task<GenerationRequest> FitAsync(GenerationRequest trimmed, Func<string, ValueTask> announce, CancellationToken stop) => summarizer.FitAsync(generation, metadata, trimmed, announce, stop);
}

/// <summary>No summary was made.</summary>
internal sealed class SummaryFailedException(string code) : Exception($"No summary was made: {code}.")
{
    public string Code { get; } = code;
}
