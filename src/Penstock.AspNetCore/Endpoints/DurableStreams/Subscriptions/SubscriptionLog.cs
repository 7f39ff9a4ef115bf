using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>Up to where of a subscription's log is known how it stands.</summary>
internal sealed record SubscriptionPlace(string Path, long Next);

/// <summary>
/// Keeps subscriptions in the log: a stream for each, whose last event is how it stands. Each append names the offset that it wants,
/// so of several nodes that change one at the same moment one does. Once a stream is long it is closed, and the next in its row begins
/// with how it stood, so that there is always one. Of a row the highest number counts: one that is deleted leaves a last stream for a
/// while that says so, lest a node which still has an earlier one in its hands brings it back, or takes the next of that name for it.
/// </summary>
internal sealed class SubscriptionLog(IStreamLog log, long maxStreamBytes, TimeProvider time)
{
    private const string Prefix = "subscriptions/";
    private const int Longest = 500;

    // Each event says all of how it stands, so those of one with many streams fill a stream soon.
    private readonly long _largest = Math.Min(1 << 20, maxStreamBytes / 2);

    // Each time another node has moved it on, which takes 500 changes.
    private const int Looks = 4;

    // No node is held up for longer in the middle of what it does.
    private static readonly TimeSpan _remembered = TimeSpan.FromMinutes(10);

    /// <summary>Makes the first stream of a subscription.</summary>
    /// <returns>Null when another node has just made it.</returns>
    public async Task<SubscriptionPlace?> CreateAsync(SubscriptionRecord record)
    {
        var row = RowOf(record);
        var last = await NewestAsync(row);
        if (last is not null && (!last.Closed || await LastAsync(last) is not { IsDeleted: true })) return null;
        var path = last is null ? row + "0" : NextOf(last.Path, row);
        if (!await TryCreateAsync(path, record)) return null;
        if (await NewestAsync(row) is { } newest && NumberOf(newest.Path) > NumberOf(path))
        {
            await log.DeleteAsync(path);
            return null;
        }

        if (last is not null) await log.DeleteAsync(last.Path);
        return new SubscriptionPlace(path, 1);
    }

    /// <summary>Writes down how a subscription stands after what was known.</summary>
    /// <returns>Null when somebody else has changed it meanwhile.</returns>
    public async Task<SubscriptionPlace?> TryAppendAsync(SubscriptionPlace known, SubscriptionRecord record)
    {
        using var batch = Batch(record);
        var closes = record.IsDeleted || known.Next >= Longest || (known.Next + 1) * batch.Bytes.Length > _largest;
        var append = new StreamAppend { Sequence = known.Next.ToString("D19", CultureInfo.InvariantCulture), Close = closes };
        var result = await log.AppendAsync(known.Path, batch, append);
        if (result.Status != AppendStatus.Appended) return null;
        if (record.IsDeleted) await BuryAsync(known.Path, record);
        else if (closes) await MoveAsync(known.Path, record);
        // What others have made of it since is found before the next change.
        return closes && !record.IsDeleted ? new SubscriptionPlace(NextOf(known.Path, RowOf(record)), 1) : new SubscriptionPlace(known.Path, result.NextOffset);
    }

    /// <summary>How a subscription stands now.</summary>
    /// <param name="known">What is known of it.</param>
    /// <param name="row">Whose, and which it is.</param>
    /// <returns>A null record when it stands as known; null when there is none any more.</returns>
    public async Task<(SubscriptionRecord? Record, SubscriptionPlace Place)?> ReadAsync(SubscriptionPlace known, (string? Owner, string Id) row)
    {
        if (await log.GetAsync(known.Path) is { Closed: false } info)
        {
            if (info.NextOffset == known.Next) return (null, known);
            if (await LastAsync(info) is { } record) return (record, new SubscriptionPlace(info.Path, info.NextOffset));
        }

        return await FindAsync(row.Owner, row.Id, wasThere: true) is var (found, place) ? (found, place) : null;
    }

    /// <summary>Looks for a subscription that another node may have made.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="id">Which.</param>
    /// <param name="wasThere">It has been there: if it is not listed, it may have been moved on while that was read.</param>
    public async Task<(SubscriptionRecord Record, SubscriptionPlace Place)?> FindAsync(string? owner, string id, bool wasThere = false)
    {
        var row = RowOf(owner, id);
        for (var look = 0; look < Looks; look++)
        {
            if (await NewestAsync(row) is { } info)
            {
                if (await LastAsync(info) is { } record) return await StandsAsync(info, record);
            }
            else if (!wasThere)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>All subscriptions as they stand.</summary>
    /// <param name="isKnown">Whether a stream is known as far as it goes; then it is left out.</param>
    public async Task<List<(SubscriptionRecord Record, SubscriptionPlace Place)>> LoadAsync(Func<StreamInfo, bool>? isKnown = null)
    {
        var newest = new Dictionary<string, StreamInfo>(StringComparer.Ordinal);
        var stale = new List<string>();
        await foreach (var info in log.ListAsync(Prefix))
        {
            var row = info.Path[..(info.Path.LastIndexOf('/') + 1)];
            if (row == Prefix)
            {
                if (await LastAsync(info) is not { } early) continue;
                row = RowOf(early); // from before there were rows
            }

            if (!newest.TryAdd(row, info))
            {
                var (later, earlier) = NumberOf(info.Path) > NumberOf(newest[row].Path) ? (info, newest[row]) : (newest[row], info);
                newest[row] = later;
                stale.Add(earlier.Path);
            }
        }

        foreach (var path in stale) await log.DeleteAsync(path); // a crash came between the new one and this
        var all = new List<(SubscriptionRecord, SubscriptionPlace)>();
        foreach (var info in newest.Values)
        {
            if (isKnown?.Invoke(info) is not true && await LastAsync(info) is { } record && await StandsAsync(info, record) is { } found) all.Add(found);
        }

        return all;
    }

    // One that is closed was left by who wanted to go on in the next, or to delete it.
    private async Task<(SubscriptionRecord Record, SubscriptionPlace Place)?> StandsAsync(StreamInfo info, SubscriptionRecord record)
    {
        if (!info.Closed) return (record, new SubscriptionPlace(info.Path, info.NextOffset));
        if (!record.IsDeleted) return await MoveAsync(info.Path, record);
        if (info.ExpiresAt is null) await BuryAsync(info.Path, record);
        return null;
    }

    /// <summary>Goes on in the next stream of the row.</summary>
    /// <returns>Null when it was deleted by then.</returns>
    private async Task<(SubscriptionRecord Record, SubscriptionPlace Place)?> MoveAsync(string path, SubscriptionRecord record)
    {
        var row = RowOf(record);
        var next = NextOf(path, row);
        var isMine = await TryCreateAsync(next, record);
        if (isMine && await NewestAsync(row) is { } newest && NumberOf(newest.Path) > NumberOf(next))
        {
            isMine = false;
            await log.DeleteAsync(next); // others have been there before, and have gone on since
        }

        await log.DeleteAsync(path);
        return isMine ? (record, new SubscriptionPlace(next, 1)) : await FindAsync(record.Owner, record.Id, wasThere: true);
    }

    private async Task BuryAsync(string path, SubscriptionRecord record)
    {
        if (log.SpansNodes) await TryCreateAsync(NextOf(path, RowOf(record)), record, isEnd: true);
        await log.DeleteAsync(path);
    }

    private async Task<bool> TryCreateAsync(string path, SubscriptionRecord record, bool isEnd = false)
    {
        using var batch = Batch(record);
        try
        {
            await log.CreateSharedAsync(path, new SharedStreamOptions { KeepWhole = true, Closed = isEnd, ExpiresAt = isEnd ? time.GetUtcNow() + _remembered : null }, batch);
            return true;
        }
        catch (StreamExistsException)
        {
            return false;
        }
    }

    private async Task<StreamInfo?> NewestAsync(string row)
    {
        StreamInfo? newest = null;
        await foreach (var info in log.ListAsync(row))
        {
            if (newest is null || NumberOf(info.Path) > NumberOf(newest.Path)) newest = info;
        }

        return newest;
    }

    private async Task<SubscriptionRecord?> LastAsync(StreamInfo info)
    {
        using var reader = await log.OpenReaderAsync(info.Path, Math.Max(0, info.NextOffset - 1));
        if (reader is null || await reader.WaitAsync() is not StreamWait.Ready) return null;
        return reader.TryRead(out var last) ? JsonSerializer.Deserialize(last.Data, SubscriptionJson.Default.SubscriptionRecord) : null;
    }

    private static StreamBatch Batch(SubscriptionRecord record)
    {
        var batch = new StreamBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(record, SubscriptionJson.Default.SubscriptionRecord));
        return batch;
    }

    private static string RowOf(SubscriptionRecord record) => RowOf(record.Owner, record.Id);

    // An id may be anything, and two owners may have the same.
    private static string RowOf(string? owner, string id) =>
        $"{Prefix}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{owner?.Length}\0{owner}\0{id}")).AsSpan(0, 16))}/";

    // The place in its row; of one from before there were rows, before all.
    private static long NumberOf(string path) => long.TryParse(path.AsSpan(path.LastIndexOf('/') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private static string NextOf(string path, string row) => row + (NumberOf(path) + 1).ToString(CultureInfo.InvariantCulture);
}
