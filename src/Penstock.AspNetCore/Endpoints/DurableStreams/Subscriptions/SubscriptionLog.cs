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
/// with how it stood, so that there is always one.
/// </summary>
internal sealed class SubscriptionLog(IStreamLog log)
{
    private const string Prefix = "subscriptions/";
    private const int Longest = 500;

    /// <summary>Makes the first stream of a subscription.</summary>
    /// <returns>Null when another node has just made it.</returns>
    public async Task<SubscriptionPlace?> CreateAsync(SubscriptionRecord record)
    {
        var path = RowOf(record) + "0";
        return await TryCreateAsync(path, record) ? new SubscriptionPlace(path, 1) : null;
    }

    /// <summary>Writes down how a subscription stands after what was known.</summary>
    /// <returns>Null when somebody else has changed it meanwhile.</returns>
    public async Task<SubscriptionPlace?> TryAppendAsync(SubscriptionPlace known, SubscriptionRecord record)
    {
        var closes = record.IsDeleted || known.Next >= Longest;
        using var batch = Batch(record);
        var append = new StreamAppend { Sequence = known.Next.ToString("D19", CultureInfo.InvariantCulture), Close = closes };
        var result = await log.AppendAsync(known.Path, batch, append);
        if (result.Status != AppendStatus.Appended) return null;
        if (record.IsDeleted) await log.DeleteAsync(known.Path);
        else if (closes) return await MoveAsync(known.Path, record);
        return new SubscriptionPlace(known.Path, result.NextOffset);
    }

    /// <summary>How a subscription stands now.</summary>
    /// <param name="known">What is known of it.</param>
    /// <param name="row">Whose, and which it is.</param>
    /// <returns>A null record when it stands as known; null when there is none any more.</returns>
    public async Task<(SubscriptionRecord? Record, SubscriptionPlace Place)?> ReadAsync(SubscriptionPlace known, (string? Owner, string Id) row)
    {
        if (await log.GetAsync(known.Path) is not { Closed: false } info) return await FindAsync(row.Owner, row.Id) is var (found, place) ? (found, place) : null;
        if (info.NextOffset == known.Next) return (null, known);
        return await LastAsync(info) is { } record ? (record, new SubscriptionPlace(info.Path, info.NextOffset)) : null;
    }

    /// <summary>Looks for a subscription that another node may have made.</summary>
    public async Task<(SubscriptionRecord Record, SubscriptionPlace Place)?> FindAsync(string? owner, string id)
    {
        await foreach (var info in log.ListAsync(RowOf(owner, id))) // the newest first
        {
            if (await StandsAsync(info) is { } found) return found;
        }

        return null;
    }

    /// <summary>All subscriptions as they stand.</summary>
    /// <param name="isKnown">Whether a stream is known as far as it goes; then it is left out.</param>
    public async Task<List<(SubscriptionRecord Record, SubscriptionPlace Place)>> LoadAsync(Func<StreamInfo, bool>? isKnown = null)
    {
        var latest = new Dictionary<(string? Owner, string Id), (SubscriptionRecord, SubscriptionPlace)>();
        var stale = new List<string>();
        await foreach (var info in log.ListAsync(Prefix)) // the newest first
        {
            if (isKnown?.Invoke(info) is true || await StandsAsync(info) is not { } found) continue;
            if (!latest.TryAdd((found.Record.Owner, found.Record.Id), found)) stale.Add(info.Path);
        }

        foreach (var path in stale) await log.DeleteAsync(path); // a crash came between the new one and this
        return [.. latest.Values];
    }

    // One that is closed was left by who wanted to go on in the next, or to delete it.
    private async Task<(SubscriptionRecord Record, SubscriptionPlace Place)?> StandsAsync(StreamInfo info)
    {
        if (await LastAsync(info) is not { } record) return null;
        if (!info.Closed) return (record, new SubscriptionPlace(info.Path, info.NextOffset));
        if (!record.IsDeleted) return (record, await MoveAsync(info.Path, record));
        await log.DeleteAsync(info.Path);
        return null;
    }

    private async Task<SubscriptionPlace> MoveAsync(string path, SubscriptionRecord record)
    {
        var row = RowOf(record);
        var number = path.StartsWith(row, StringComparison.Ordinal) ? long.Parse(path.AsSpan(row.Length), CultureInfo.InvariantCulture) : 0;
        var next = $"{row}{number + 1}";
        await TryCreateAsync(next, record);
        await log.DeleteAsync(path);
        return new SubscriptionPlace(next, 1);
    }

    private async Task<bool> TryCreateAsync(string path, SubscriptionRecord record)
    {
        using var batch = Batch(record);
        try
        {
            await log.CreateSharedAsync(path, new SharedStreamOptions { KeepWhole = true }, batch);
            return true;
        }
        catch (StreamExistsException)
        {
            return false;
        }
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
}
