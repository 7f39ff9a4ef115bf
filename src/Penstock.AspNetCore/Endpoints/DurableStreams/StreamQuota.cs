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

    // Until what has expired meanwhile is looked for again, for one that has no room.
    private static readonly TimeSpan _countForRoom = TimeSpan.FromSeconds(1);

    private const int MaxOwners = 10_000;

    private readonly ConcurrentDictionary<string, Account> _accounts = new(StringComparer.Ordinal);
    private readonly StreamsOptions _limits = options.Streams;

    /// <summary>Takes room for an owner's new stream, or for more in one; what it is for has failed unless <see cref="Room.Keep"/> is called.</summary>
    /// <returns>The room; null where nothing limits it.</returns>
    /// <exception cref="RequestException">There is none.</exception>
    public async ValueTask<Room?> TakeAsync(StreamName name, int streams, long bytes)
    {
        if (_limits is { MaxPerOwner: 0, MaxBytesPerOwner: 0 } || (streams == 0 && bytes == 0)) return null;
        if (_accounts.Count > MaxOwners) _accounts.Clear(); // tokens of others' making name ever new owners
        var prefix = StreamName.PrefixOf(name.Owner.Name);
        var account = _accounts.GetOrAdd(prefix, static _ => new Account());
        await CountAsync(account, prefix, log.SpansNodes ? _countAmongNodes : TimeSpan.MaxValue);
        if (account.Take(streams, bytes, _limits) is null) return RoomIn(account, streams, bytes);
        await CountAsync(account, prefix, _countForRoom);
        return account.Take(streams, bytes, _limits) is { } refusal
            ? throw new RequestException(refusal) { Status = StatusCodes.Status507InsufficientStorage, Code = "quota_exceeded" }
            : RoomIn(account, streams, bytes);
    }

    /// <summary>An owner has deleted something: there is more room than was counted.</summary>
    public void Recount(StreamName name)
    {
        if (_accounts.TryGetValue(StreamName.PrefixOf(name.Owner.Name), out var account)) account.CountedAt = null;
    }

    private static Room RoomIn(Account account, int streams, long bytes) => new(isKept => account.Came(streams, bytes, isKept));

    private async ValueTask CountAsync(Account account, string prefix, TimeSpan longest)
    {
        await account.Counting.WaitAsync();
        try
        {
            if (account.CountedAt is { } at && time.GetElapsedTime(at) < longest) return;
            var now = time.GetTimestamp();
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

            account.Set(streams, bytes, now);
        }
        finally
        {
            account.Counting.Release();
        }
    }

    /// <summary>What an owner has: what was counted, what was stored since, and what is about to be.</summary>
    private sealed class Account
    {
        private readonly Lock _lock = new();
        private long _streams;
        private long _bytes;
        private long _comingStreams;
        private long _comingBytes;

        public SemaphoreSlim Counting { get; } = new(1);

        public long? CountedAt { get; set; }

        public void Set(long streams, long bytes, long at)
        {
            lock (_lock) (_streams, _bytes, CountedAt) = (streams, bytes, at);
        }

        /// <returns>Null where there is room, and else what to tell who asks.</returns>
        public string? Take(int streams, long bytes, StreamsOptions limits)
        {
            lock (_lock)
            {
                if (limits.MaxPerOwner > 0 && streams > 0 && _streams + _comingStreams + streams > limits.MaxPerOwner)
                    return $"You have {_streams} streams, which is as many as you may keep. Delete some, or let them expire ({StreamHeader.TimeToLive}).";
                if (limits.MaxBytesPerOwner > 0 && _bytes + _comingBytes + bytes > limits.MaxBytesPerOwner)
                    return $"Your streams hold {_bytes} bytes, and may hold {limits.MaxBytesPerOwner} in all: {bytes} more are too many. Delete some, or let them expire ({StreamHeader.TimeToLive}).";
                _comingStreams += streams;
                _comingBytes += bytes;
                return null;
            }
        }

        public void Came(int streams, long bytes, bool isKept)
        {
            lock (_lock)
            {
                _comingStreams -= streams;
                _comingBytes -= bytes;
                if (isKept) (_streams, _bytes) = (_streams + streams, _bytes + bytes);
            }
        }
    }

    /// <summary>Room that was taken for something to store; given back when it is disposed, unless that was stored.</summary>
    internal sealed class Room(Action<bool> came) : IDisposable
    {
        private bool _isKept;

        public void Keep() => _isKept = true;

        public void Dispose() => came(_isKept);
    }
}
