using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>What one generation used, as its stream says it.</summary>
/// <param name="Id">The generation.</param>
/// <param name="Owner">To whom it belongs; null for nobody in particular.</param>
/// <param name="Provider">Who answered last.</param>
/// <param name="Model">The provider's own name of the model.</param>
/// <param name="Status">The name of its ending.</param>
/// <param name="CreatedAt">When it was asked for.</param>
internal sealed record UsageLine(string Id, string? Owner, string Provider, string Model, string Status, DateTimeOffset CreatedAt)
{
    // Usage stands beside the ending; what comes between are closed blocks and frames that say nothing. So many a store reads at once.
    private const int Tail = 8;

    /// <summary>When it ended, as far as the store knows.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    public long? InputTokens { get; init; }

    /// <summary>Of the input, what came from the provider's cache.</summary>
    public long? CachedInputTokens { get; init; }

    public long? OutputTokens { get; init; }

    /// <summary>Of the output, what was reasoning.</summary>
    public long? ReasoningTokens { get; init; }

    /// <summary>Where the numbers come from (<see cref="UsageSource"/>); null where nothing was used.</summary>
    public string? Source { get; init; }

    /// <summary>The generation whose conversation it summed up; null for an answer to a client.</summary>
    public string? SummaryFor { get; init; }

    /// <summary>Reads it from the beginning and the end of the stream of a generation that has ended; null where that is gone.</summary>
    public static async ValueTask<UsageLine?> ReadAsync(IStreamLog log, string id, StreamInfo info)
    {
        var metadata = GenerationMetadata.Read(info.Metadata);
        var model = metadata.Model;
        string? status = null;
        Usage? usage = null;
        var started = false;
        using var reader = await log.OpenReaderAsync(info.Path);
        if (reader is null) return null;
        for (var end = 1L; !started && end <= info.NextOffset; end++) await StoredEvents.ReadAsync(reader, end, TakeModel);
        reader.SkipTo(Math.Max(reader.NextOffset, info.NextOffset - Tail));
        await StoredEvents.ReadAsync(reader, info.NextOffset, TakeEnd);
        if (usage is null && started)
        {
            using var whole = await log.OpenReaderAsync(info.Path);
            if (whole is not null) await StoredEvents.ReadAsync(whole, info.NextOffset, TakeEnd);
        }

        if (status is null) return null;
        var cut = model.IndexOf('/', StringComparison.Ordinal);
        return new UsageLine(id, metadata.Owner, model[..cut], model[(cut + 1)..], status, info.CreatedAt)
        {
            EndedAt = info.ClosedAt,
            InputTokens = usage?.InputTokens,
            CachedInputTokens = usage?.CachedInputTokens,
            OutputTokens = usage?.OutputTokens,
            ReasoningTokens = usage?.ReasoningTokens,
            Source = usage?.Source.ToString().ToLowerInvariant(),
            SummaryFor = metadata.SummaryFor,
        };

        // Before it starts, each attempt says who is asked.
        void TakeModel(StreamEvent record)
        {
            var read = NativeEventReader.Read(EventRecord.Json(record.Data));
            if (read.Model is { } answers && read.Kind is EventKind.Started or EventKind.Attempt) model = answers;
            started = read.Kind == EventKind.Started;
            TakeEnd(record);
        }

        void TakeEnd(StreamEvent record)
        {
            var read = NativeEventReader.Read(EventRecord.Json(record.Data));
            if (read.Kind == EventKind.Usage) usage = read.Usage;
            if (read.Kind >= EventKind.Finished) status = read.Kind.ToString().ToLowerInvariant();
        }
    }
}
