using System.Text.Json;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>
/// Keeps subscriptions in the log: a stream for each, whose last event is how it stands. Once it is long another one takes
/// its place, which begins with how it stands, so that there is always one.
/// </summary>
internal sealed class SubscriptionLog(IStreamLog log)
{
    private const string Prefix = "subscriptions/";
    private const int Longest = 500;

    private readonly Dictionary<(string? Owner, string Id), (string Path, long Next)> _current = []; // guards itself

    public async Task SaveAsync(Subscription subscription)
    {
        using var batch = new StreamBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(subscription.ToRecord(), SubscriptionJson.Default.SubscriptionRecord));
        (string Path, long Next) current;
        lock (_current) _current.TryGetValue((subscription.Owner.Name, subscription.Id), out current);
        if (current.Path is not null && current.Next < Longest)
        {
            var result = await log.AppendAsync(current.Path, batch);
            if (result.Status == AppendStatus.Appended)
            {
                lock (_current) _current[(subscription.Owner.Name, subscription.Id)] = (current.Path, result.NextOffset);
                return;
            }
        }

        var path = $"{Prefix}{Guid.NewGuid():N}";
        await log.CreateSharedAsync(path, new SharedStreamOptions { KeepWhole = true }, batch);
        lock (_current) _current[(subscription.Owner.Name, subscription.Id)] = (path, 1);
        if (current.Path is not null) await log.DeleteAsync(current.Path);
    }

    public async Task DeleteAsync(Subscription subscription)
    {
        string? path;
        lock (_current)
        {
            path = _current.GetValueOrDefault((subscription.Owner.Name, subscription.Id)).Path;
            _current.Remove((subscription.Owner.Name, subscription.Id));
        }

        if (path is not null) await log.DeleteAsync(path);
    }

    /// <summary>All subscriptions as they stood.</summary>
    public async Task<List<Subscription>> LoadAsync()
    {
        var latest = new Dictionary<(string? Owner, string Id), (StreamInfo Info, Subscription Subscription)>();
        var stale = new List<string>();
        await foreach (var info in log.ListAsync(Prefix)) // the newest first
        {
            if (await ReadAsync(info) is not { } record) continue;
            if (!latest.TryAdd((record.Owner, record.Id), (info, Subscription.From(record)))) stale.Add(info.Path);
        }

        foreach (var path in stale) await log.DeleteAsync(path); // a crash came between the new one and this
        lock (_current)
        {
            foreach (var (id, (info, _)) in latest) _current[id] = (info.Path, info.NextOffset);
        }

        return [.. latest.Values.Select(l => l.Subscription)];
    }

    private async Task<SubscriptionRecord?> ReadAsync(StreamInfo info)
    {
        using var reader = await log.OpenReaderAsync(info.Path, Math.Max(0, info.NextOffset - 1));
        if (reader is null || await reader.WaitAsync() is not StreamWait.Ready) return null;
        return reader.TryRead(out var last) ? JsonSerializer.Deserialize(last.Data, SubscriptionJson.Default.SubscriptionRecord) : null;
    }
}
