using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>
/// How many streams, and how many bytes in them, an owner may keep. What there is is counted from the log, whichever store has it:
/// what is deleted, expires or is forgotten is out of the count by itself.
/// </summary>
internal sealed class StreamQuota(IStreamLog log, PenstockOptions options, TimeProvider time)
{
    // Other nodes take room too.
    private static readonly TimeSpan _countAmongNodes = TimeSpan.FromSeconds(10);

    private const int MaxOwners = 10_000;

    private readonly ConcurrentDictionary<string, StreamAccount> _accounts = new(StringComparer.Ordinal);
    private readonly StreamsOptions _limits = options.Streams;

    /// <summary>Takes room for an owner's new stream, or for more in one; what it is for has failed unless <see cref="StreamRoom.Keep"/> is called.</summary>
    /// <returns>The room; null where nothing limits it.</returns>
    /// <exception cref="RequestException">There is none.</exception>
    public async ValueTask<StreamRoom?> TakeAsync(StreamName name, int streams, long bytes)
    {
        if (_limits is { MaxPerOwner: 0, MaxBytesPerOwner: 0 } || (streams == 0 && bytes == 0)) return null;
        if (_accounts.Count > MaxOwners) _accounts.Clear(); // tokens of others' making name ever new owners
        var account = _accounts.GetOrAdd(StreamName.PrefixOf(name.Owner.Name), NewAccount);
        return await account.TakeAsync(streams, bytes) ?? throw Refusal(account.Has, streams, bytes);
    }

    /// <summary>An owner has deleted something: there is more room than was counted.</summary>
    public void Recount(StreamName name)
    {
        if (_accounts.TryGetValue(StreamName.PrefixOf(name.Owner.Name), out var account)) account.Recount();
    }

    private StreamAccount NewAccount(string prefix) =>
        new(_limits.MaxPerOwner, _limits.MaxBytesPerOwner, () => CountAsync(prefix), log.SpansNodes ? _countAmongNodes : Timeout.InfiniteTimeSpan, time);

    private async ValueTask<(long Streams, long Bytes)> CountAsync(string prefix)
    {
        long streams = 0, bytes = 0;
        var (sources, kept) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>());
        await foreach (var info in log.ListAsync(prefix))
        {
            (streams, bytes) = (streams + 1, bytes + info.Bytes);
            if (StreamMetadata.Of(info).ForkedFrom is { } source && sources.Add(source)) kept.Enqueue(source);
        }

        // What was deleted is in no list, and is there as long as its forks are.
        while (kept.TryDequeue(out var path))
        {
            if (await log.GetAsync(prefix + path) is not { KeptForForks: true } deleted) continue;
            bytes += deleted.Bytes;
            if (StreamMetadata.Of(deleted).ForkedFrom is { } source && sources.Add(source)) kept.Enqueue(source);
        }

        return (streams, bytes);
    }

    private RequestException Refusal((long Streams, long Bytes) has, int streams, long bytes) => new(
        _limits.MaxPerOwner > 0 && has.Streams + streams > _limits.MaxPerOwner
            ? $"You have {has.Streams} streams, which is as many as you may keep. Delete some, or let them expire ({StreamHeader.TimeToLive})."
            : $"Your streams hold {has.Bytes} bytes, and may hold {_limits.MaxBytesPerOwner} in all: {bytes} more are too many. Delete some, or let them expire ({StreamHeader.TimeToLive}).")
    {
        Status = StatusCodes.Status507InsufficientStorage,
        Code = "quota_exceeded",
    };
}
