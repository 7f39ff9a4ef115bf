using System.Collections.Concurrent;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations.Conversations;

/// <summary>How many conversations an owner may keep, and how many bytes in them; counted from the log, as what is at <c>/v1/stream</c> is.</summary>
/// <param name="log">The store.</param>
/// <param name="maxConversations">How many; 0 for no limit.</param>
/// <param name="maxBytes">How many bytes; 0 for no limit.</param>
/// <param name="time">The clock.</param>
internal sealed class ConversationQuota(IStreamLog log, long maxConversations, long maxBytes, TimeProvider time)
{
    // Other nodes take room too.
    private static readonly TimeSpan _countAmongNodes = TimeSpan.FromSeconds(10);

    private const int MaxOwners = 10_000;

    private readonly ConcurrentDictionary<Owner, StreamAccount> _accounts = new();

    /// <summary>Takes room for an owner's new conversation, or for more in one; what it is for has failed unless <see cref="StreamRoom.Keep"/> is called.</summary>
    /// <param name="owner">The owner's name.</param>
    /// <param name="conversations">For how many.</param>
    /// <param name="bytes">For how many bytes.</param>
    /// <param name="isOwed">It is given though there is none: what comes of a turn that was let in.</param>
    /// <returns>The room; null where nothing limits it.</returns>
    /// <exception cref="RequestException">There is none.</exception>
    public async ValueTask<StreamRoom?> TakeAsync(string? owner, int conversations, long bytes, bool isOwed = false)
    {
        if (maxConversations == 0 && maxBytes == 0) return null;
        if (_accounts.Count > MaxOwners) _accounts.Clear(); // tokens of others' making name ever new owners
        var account = _accounts.GetOrAdd(new Owner(owner), NewAccount);
        return await account.TakeAsync(conversations, bytes, isOwed) ?? throw Refusal(account.Has, conversations, bytes);
    }

    /// <summary>An owner has deleted a conversation: there is more room than was counted.</summary>
    public void Recount(string? owner)
    {
        if (_accounts.TryGetValue(new Owner(owner), out var account)) account.Recount();
    }

    private StreamAccount NewAccount(Owner owner) =>
        new(maxConversations, maxBytes, () => CountAsync(owner.Name), log.SpansNodes ? _countAmongNodes : Timeout.InfiniteTimeSpan, time);

    private async ValueTask<(long Conversations, long Bytes)> CountAsync(string? owner)
    {
        long conversations = 0, bytes = 0;
        var (sources, kept) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>());
        await foreach (var info in log.ListAsync(ConversationId.PathPrefix))
        {
            var label = ConversationLabel.Of(info);
            if (label.Owner != owner) continue;
            (conversations, bytes) = (conversations + 1, bytes + info.Bytes);
            if (label.From is { } source && sources.Add(source)) kept.Enqueue(source);
        }

        // What was deleted is in no list, and is there as long as its branches are.
        while (kept.TryDequeue(out var id))
        {
            if (await log.GetAsync(ConversationId.PathOf(id)) is not { KeptForForks: true } deleted) continue;
            bytes += deleted.Bytes;
            if (ConversationLabel.Of(deleted).From is { } source && sources.Add(source)) kept.Enqueue(source);
        }

        return (conversations, bytes);
    }

    private RequestException Refusal((long Streams, long Bytes) has, int conversations, long bytes) => new(
        maxConversations > 0 && has.Streams + conversations > maxConversations
            ? $"You have {has.Streams} conversations, which is as many as you may keep. Delete some."
            : $"Your conversations hold {has.Bytes} bytes, and may hold {maxBytes} in all: {bytes} more are too many. Delete some.")
    {
        Status = 507,
        Code = "quota_exceeded",
    };
}
