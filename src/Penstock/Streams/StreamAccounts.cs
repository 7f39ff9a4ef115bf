using System.Collections.Concurrent;

namespace Penstock.Streams;

/// <summary>Whose streams are counted together: those below a prefix that are theirs.</summary>
/// <param name="Prefix">What their paths begin with.</param>
/// <param name="AreTheirs">Whether one below it is.</param>
/// <param name="SourceOf">The path of the stream that one is a fork of; null for none.</param>
internal readonly record struct OwnedStreams(string Prefix, Func<StreamInfo, bool> AreTheirs, Func<StreamInfo, string?> SourceOf);

/// <summary>
/// How many streams of a kind, and how many bytes in them, each owner may keep. What there is is counted from the log, whichever store
/// has it: what is deleted, expires or is forgotten is out of the count by itself.
/// </summary>
/// <param name="log">The store.</param>
/// <param name="maxStreams">How many streams; 0 for no limit.</param>
/// <param name="maxBytes">How many bytes; 0 for no limit.</param>
/// <param name="streamsOf">Which are an owner's.</param>
/// <param name="time">The clock.</param>
internal sealed class StreamAccounts<TOwner>(IStreamLog log, long maxStreams, long maxBytes, Func<TOwner, OwnedStreams> streamsOf, TimeProvider time)
    where TOwner : notnull
{
    // Other nodes take room too.
    private static readonly TimeSpan _countAmongNodes = TimeSpan.FromSeconds(10);

    private const int MaxOwners = 10_000;

    private readonly ConcurrentDictionary<TOwner, StreamAccount> _accounts = new();

    public bool IsLimited => maxStreams > 0 || maxBytes > 0;

    public StreamAccount Of(TOwner owner)
    {
        if (_accounts.Count > MaxOwners) _accounts.Clear(); // tokens of others' making name ever new owners
        return _accounts.GetOrAdd(owner, New);
    }

    /// <summary>An owner has deleted something: there is more room than was counted.</summary>
    public void Recount(TOwner owner)
    {
        if (_accounts.TryGetValue(owner, out var account)) account.Recount();
    }

    private StreamAccount New(TOwner owner) =>
        new(maxStreams, maxBytes, () => CountAsync(streamsOf(owner)), log.SpansNodes ? _countAmongNodes : Timeout.InfiniteTimeSpan, time);

    private async ValueTask<(long Streams, long Bytes)> CountAsync(OwnedStreams owned)
    {
        long streams = 0, bytes = 0;
        var (sources, kept) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>());
        await foreach (var info in log.ListAsync(owned.Prefix))
        {
            if (!owned.AreTheirs(info)) continue;
            (streams, bytes) = (streams + 1, bytes + info.Bytes);
            if (owned.SourceOf(info) is { } source && sources.Add(source)) kept.Enqueue(source);
        }

        // What was deleted is in no list, and is there as long as its forks are.
        while (kept.TryDequeue(out var path))
        {
            if (await log.GetAsync(path) is not { KeptForForks: true } deleted) continue;
            bytes += deleted.Bytes;
            if (owned.SourceOf(deleted) is { } source && sources.Add(source)) kept.Enqueue(source);
        }

        return (streams, bytes);
    }
}
