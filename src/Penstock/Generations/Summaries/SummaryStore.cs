using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Generations.Conversations;
using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Protocols.Responses;
using Penstock.Streams;

namespace Penstock.Generations.Summaries;

/// <summary>
/// Summaries, each a stream <c>summaries/{hash}</c> of one event, found by what was said: so it serves wherever the same was said
/// before, in the next turn, in a branch, on another node, in another protocol. One of two owners is two.
/// </summary>
/// <param name="log">The store.</param>
/// <param name="retention">How long one is kept that is not used, of a conversation that its client keeps.</param>
/// <param name="conversationLifetime">The same of a conversation that is kept here.</param>
internal sealed class SummaryStore(IStreamLog log, TimeSpan retention, TimeSpan conversationLifetime)
{
    private const string PathPrefix = "summaries/";

    // Looked for at once; the newest is among the first of them, but for a conversation that has none.
    private const int Batch = 32;

    // As long as a request may wait that is not to be kept.
    private static readonly TimeSpan _unstored = TimeSpan.FromHours(1);

    /// <summary>The summary that reaches farthest; null for none.</summary>
    public async ValueTask<(ExchangeStart Start, Summary Summary)?> FindAsync(string? owner, long size, IReadOnlyList<ExchangeStart> starts)
    {
        foreach (var batch in starts.Reverse().Chunk(Batch))
        {
            var found = await Task.WhenAll(batch.Select(start => ReadAsync(PathOf(owner, size, start)).AsTask()));
            if (Array.FindIndex(found, f => f is not null) is var place and >= 0) return (batch[place], found[place]!);
        }

        return null;
    }

    /// <summary>Keeps a summary. Where another one is there already, that stays.</summary>
    /// <exception cref="StreamStorageException">The store cannot take it.</exception>
    public async ValueTask SaveAsync(string? owner, long size, ExchangeStart start, Summary summary, bool? store, bool isConversation)
    {
        using var batch = new StreamBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(summary, SummaryJson.Default.Summary));
        var lifetime = store is false ? _unstored : isConversation ? conversationLifetime : retention;
        try
        {
            await log.CreateSharedAsync(PathOf(owner, size, start), new SharedStreamOptions { TimeToLive = lifetime, Closed = true, KeepWhole = true }, batch);
        }
        catch (StreamExistsException)
        {
            // Two answers wanted it at once.
        }
    }

    /// <summary>Removes the summaries of what was said in a conversation and is there no more, and the generations that made them.</summary>
    /// <param name="before">The conversation.</param>
    /// <param name="after">What is left of it; null for nothing.</param>
    public async ValueTask ForgetAsync(Conversation before, Conversation? after = null)
    {
        var owner = ConversationLabel.Of(before.Info).Owner;
        foreach (var paths in StartsOf(before).Except(StartsOf(after)).SelectMany(start => HistoryBudget.SummarySizes.Select(size => PathOf(owner, size, start))).Chunk(Batch))
        {
            var found = await Task.WhenAll(paths.Select(path => ReadAsync(path).AsTask()));
            foreach (var (path, summary) in paths.Zip(found))
            {
                if (summary is null) continue;
                await log.DeleteAsync(GenerationPath.Of(summary.Generation));
                await log.DeleteAsync(path);
            }
        }
    }

    private static IReadOnlyList<ExchangeStart> StartsOf(Conversation? conversation)
    {
        if (conversation?.Said is not { Items.Count: > 0 } said) return [];
        try
        {
            return SummarizedHistory.Starts(ClientProtocols.Responses.ReadRequest(ResponsesConversation.Join("{}"u8.ToArray(), [said.ToList()])).Messages);
        }
        catch (RequestException)
        {
            return []; // nobody could be asked about it, to sum it up or otherwise
        }
    }

    private async ValueTask<Summary?> ReadAsync(string path)
    {
        using var reader = await log.OpenReaderAsync(path); // so that its time begins anew
        if (reader is null) return null;
        Summary? summary = null;
        await StoredEvents.ReadAsync(reader, 1, record => summary = JsonSerializer.Deserialize(record.Data, SummaryJson.Default.Summary));
        return summary;
    }

    private static string PathOf(string? owner, long size, ExchangeStart start) => PathPrefix + IdempotencyKeys.Hash(owner, $"{size}:{start.Hash}");
}

/// <summary>What stands for the beginning of a conversation.</summary>
/// <param name="Generation">The generation that made it.</param>
/// <param name="Text">What it says.</param>
internal sealed record Summary(string Generation, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Summary))]
internal sealed partial class SummaryJson : JsonSerializerContext;
