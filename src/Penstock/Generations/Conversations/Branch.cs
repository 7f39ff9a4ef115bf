using Penstock.Protocols;
using Penstock.Protocols.Responses;
using Penstock.Streams;

namespace Penstock.Generations.Conversations;

/// <summary>Where a conversation branches off another one: it shares that one's log up to there.</summary>
/// <param name="Fork">The other one's log, and up to where.</param>
/// <param name="Items">What of the next thing said there belongs to the branch still.</param>
/// <param name="Without">What was taken out of the other one since, and is not to be in the branch again.</param>
internal sealed record Branch(StreamFork Fork, IReadOnlyList<ReadOnlyMemory<byte>> Items, IReadOnlyList<string> Without)
{
    /// <param name="source">The other one, with what was said.</param>
    /// <param name="after">The last item to have in the branch; null for all.</param>
    /// <exception cref="RequestException">There is no such item.</exception>
    public static Branch Of(Conversation source, string? after)
    {
        var (said, path) = (source.Said!, source.Info.Path);
        if (after is null) return new Branch(new StreamFork(path, said.SettledEnd), [], []);
        var items = said.Items.ToList();
        var place = items.FindIndex(i => i.Id == after);
        if (place < 0) throw ConversationStore.ItemNotFound(source.Id, after);
        var last = items[place];
        var isWhole = place + 1 == items.Count || items[place + 1].First != last.First;
        var offset = isWhole ? last.Last + 1 : last.First;
        IReadOnlyList<ReadOnlyMemory<byte>> part = isWhole ? [] : [.. items.Take(place + 1).Where(i => i.First == last.First).Select(i => i.Json)];
        return new Branch(new StreamFork(path, offset), part, said.DeletedSince(offset));
    }
}
