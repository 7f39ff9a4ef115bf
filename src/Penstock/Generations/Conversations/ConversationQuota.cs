using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations.Conversations;

/// <summary>How many conversations an owner may keep, and how many bytes in them.</summary>
/// <param name="log">The store.</param>
/// <param name="maxConversations">How many; 0 for no limit.</param>
/// <param name="maxBytes">How many bytes; 0 for no limit.</param>
/// <param name="time">The clock.</param>
internal sealed class ConversationQuota(IStreamLog log, long maxConversations, long maxBytes, TimeProvider time)
{
    private readonly StreamAccounts<Owner> _accounts = new(log, maxConversations, maxBytes, ConversationsOf, time);

    /// <summary>Takes room for an owner's new conversation, or for more in one; what it is for has failed unless <see cref="StreamRoom.Keep"/> is called.</summary>
    /// <param name="owner">The owner's name.</param>
    /// <param name="conversations">For how many.</param>
    /// <param name="bytes">For how many bytes.</param>
    /// <param name="isOwed">It is given though there is none: what comes of a turn that was let in.</param>
    /// <returns>The room; null where nothing limits it.</returns>
    /// <exception cref="RequestException">There is none.</exception>
    public async ValueTask<StreamRoom?> TakeAsync(string? owner, int conversations, long bytes, bool isOwed = false)
    {
        if (!_accounts.IsLimited) return null;
        var account = _accounts.Of(new Owner(owner));
        return await account.TakeAsync(conversations, bytes, isOwed) ?? throw Refusal(account.Has, conversations, bytes);
    }

    /// <summary>An owner has deleted a conversation: there is more room than was counted.</summary>
    public void Recount(string? owner) => _accounts.Recount(new Owner(owner));

    private static OwnedStreams ConversationsOf(Owner owner) => new(
        ConversationId.PathPrefix, info => ConversationLabel.Of(info).Owner == owner.Name, static info => ConversationLabel.Of(info).From is { } source ? ConversationId.PathOf(source) : null);

    private RequestException Refusal((long Streams, long Bytes) has, int conversations, long bytes) => new(
        maxConversations > 0 && has.Streams + conversations > maxConversations
            ? $"You have {has.Streams} conversations, which is as many as you may keep. Delete some."
            : $"Your conversations hold {has.Bytes} bytes, and may hold {maxBytes} in all: {bytes} more are too many. Delete some.")
    {
        Status = 507,
        Code = "quota_exceeded",
    };
}
