using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>All subscriptions: hears of appends, wakes whoever should know, and takes back what is not done in time.</summary>
internal sealed class SubscriptionRegistry(IStreamLog log, WebhookClient webhooks, TimeProvider time, ILogger<SubscriptionRegistry> logger) : IHostedLifecycleService, IDisposable
{
    /// <summary>Each append looks at all of them, and each is kept in memory with its links.</summary>
    public const int MaxSubscriptions = 10_000;

    private readonly ConcurrentDictionary<(string? Owner, string Id), Subscription> _all = new();
    private readonly SubscriptionLog _store = new(log);
    private readonly Lock _keyGate = new();
    private Task<WebhookKey>? _key;

    public Subscription? Find(Owner owner, string id) => _all.GetValueOrDefault((owner.Name, id));

    /// <summary>The server's webhook key; made when it is first needed.</summary>
    public Task<WebhookKey> GetKeyAsync()
    {
        lock (_keyGate)
        {
            if (_key is null or { IsFaulted: true }) _key = WebhookKey.LoadAsync(log);
            return _key;
        }
    }

    /// <summary>Creates a subscription, linked to the streams that there are at their ends.</summary>
    /// <returns>The subscription of that id, and whether it is new.</returns>
    public async Task<(Subscription Subscription, bool IsNew)> CreateAsync(Owner owner, string id, SubscriptionConfig config, string root)
    {
        var key = (owner.Name, id);
        if (_all.TryGetValue(key, out var existing)) return (existing, false);
        if (_all.Count >= MaxSubscriptions)
            throw new RequestException($"There are {MaxSubscriptions} subscriptions, which is as many as there may be: delete one first.") { Status = 507, Code = "too_many_subscriptions" };
        var subscription = new Subscription(id, owner, config, root, time.GetUtcNow());
        await subscription.Turn.WaitAsync();
        try
        {
            if (!_all.TryAdd(key, subscription)) return (_all[key], false);
            try
            {
                await LinkAsync(subscription, config.Streams ?? []);
                await LinkMatchesAsync(subscription, createdAfter: null);
                await _store.SaveAsync(subscription);
            }
            catch
            {
                _all.TryRemove(key, out _);
                throw;
            }

            subscription.Timer = time.CreateTimer(state => _ = OnTimerAsync((Subscription)state!), subscription, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return (subscription, true);
        }
        finally
        {
            subscription.Turn.Release();
        }
    }

    /// <summary>Changes a subscription, in its turn, keeps the change, and wakes if there is reason to.</summary>
    public async Task<T> ChangeAsync<T>(Subscription subscription, Func<Task<T>> change)
    {
        await subscription.Turn.WaitAsync();
        try
        {
            var result = await change();
            if (subscription.IsDeleted) return result;
            await _store.SaveAsync(subscription);
            await WakeIfPendingAsync(subscription);
            return result;
        }
        finally
        {
            subscription.Turn.Release();
        }
    }

    public async Task DeleteAsync(Subscription subscription)
    {
        await subscription.Turn.WaitAsync();
        try
        {
            subscription.IsDeleted = true;
            subscription.Release();
            if (subscription.Timer is { } timer) await timer.DisposeAsync();
            _all.TryRemove(KeyValuePair.Create((subscription.Owner.Name, subscription.Id), subscription));
            await _store.DeleteAsync(subscription);
        }
        finally
        {
            subscription.Turn.Release();
        }
    }

    /// <summary>Links streams by name, at their ends.</summary>
    public async Task LinkAsync(Subscription subscription, IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            var tail = await subscription.NameOf(path).FindAsync(log) is { KeptForForks: false } info ? info.NextOffset : 0;
            subscription.AddLink(path, isExplicit: true, tail, tail);
        }
    }

    /// <summary>A stream has grown from one offset to another. Whoever subscribed to it is woken, whatever that meets.</summary>
    public async ValueTask NoteAppendAsync(StreamName name, long before, long after)
    {
        if (_all.IsEmpty || after == before) return;
        foreach (var (_, subscription) in _all)
        {
            if (subscription.Concerns(name)) await NoteAsync(subscription, s => s.NoteAppend(name.Path, before, after));
        }
    }

    /// <summary>A stream is new. One that had its path before may have expired, of which nobody was told.</summary>
    public async ValueTask NoteCreateAsync(StreamName name, long begins)
    {
        foreach (var (_, subscription) in _all)
        {
            if (!subscription.IsLinked(name)) continue;
            try
            {
                await ChangeAsync(subscription, async () =>
                {
                    if (await name.FindAsync(log) is { KeptForForks: false } info) subscription.NoteCreate(name.Path, begins, info.NextOffset);
                    return true;
                });
            }
            catch (StreamException e)
            {
                DurableStreamsLog.WakeFailed(logger, subscription.Id, e);
            }
        }
    }

    public async ValueTask NoteDeleteAsync(StreamName name)
    {
        foreach (var (_, subscription) in _all)
        {
            if (subscription.IsLinked(name)) await NoteAsync(subscription, s => s.NoteDelete(name.Path));
        }
    }

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var subscription in await _store.LoadAsync())
        {
            subscription.Timer = time.CreateTimer(state => _ = OnTimerAsync((Subscription)state!), subscription, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _all[(subscription.Owner.Name, subscription.Id)] = subscription;
            foreach (var path in subscription.Links.Select(l => l.Key).ToList())
            {
                if (await subscription.NameOf(path).FindAsync(log) is { KeptForForks: false } info) subscription.NoteAppend(path, info.NextOffset, info.NextOffset);
            }

            await LinkMatchesAsync(subscription, subscription.CreatedAt);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, subscription) in _all) await NoteAsync(subscription, static _ => { });
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, subscription) in _all) subscription.Timer?.Dispose();
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => webhooks.Dispose();

    // A stream that came while nobody looked is unread from its beginning; what was there before the subscription is not its business.
    private async Task LinkMatchesAsync(Subscription subscription, DateTimeOffset? createdAfter)
    {
        if (subscription.Config.Pattern is null) return;
        var prefix = StreamName.PrefixOf(subscription.Owner.Name);
        await foreach (var info in log.ListAsync(prefix))
        {
            var path = info.Path[prefix.Length..];
            if (!subscription.Matches(path)) continue;
            var isNew = createdAfter is { } time && info.CreatedAt > time;
            subscription.AddLink(path, isExplicit: false, isNew ? 0 : info.NextOffset, info.NextOffset);
        }
    }

    private async Task NoteAsync(Subscription subscription, Action<Subscription> note)
    {
        await subscription.Turn.WaitAsync();
        try
        {
            note(subscription);
            await WakeIfPendingAsync(subscription);
        }
        catch (StreamException e)
        {
            DurableStreamsLog.WakeFailed(logger, subscription.Id, e);
        }
        finally
        {
            subscription.Turn.Release();
        }
    }

    private async Task OnTimerAsync(Subscription subscription)
    {
        try
        {
            await NoteAsync(subscription, static _ => { });
        }
        catch (ObjectDisposedException)
        {
            // The server shuts down; the next start goes on.
        }
    }

    /// <summary>In the subscription's turn: gives up what has taken too long, wakes if there is something to do and nobody does it.</summary>
    private async Task WakeIfPendingAsync(Subscription subscription)
    {
        if (subscription.IsDeleted) return;
        var now = time.GetUtcNow();
        if (subscription.LeaseEnd <= now) subscription.Release();
        if (subscription.NextAttemptAt <= now) subscription.AllowAttempt();
        if (subscription is { WakeId: null, NextAttemptAt: null, HasPending: true })
        {
            subscription.Wake(now);
            try
            {
                await _store.SaveAsync(subscription); // so that no generation comes twice
                if (subscription.Config.Type == Subscription.Webhook) _ = DeliverAsync(subscription);
                else await AnnounceAsync(subscription);
            }
            catch (StreamException e)
            {
                // Nobody has heard of it, and nobody would if it stood as woken.
                DurableStreamsLog.WakeFailed(logger, subscription.Id, e);
                subscription.Release();
                subscription.NoteDelivery(succeeded: false, now);
            }
        }

        var next = subscription.LeaseEnd ?? subscription.NextAttemptAt;
        subscription.Timer?.Change(next is { } at ? TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((at - now).TotalMilliseconds))) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private async Task AnnounceAsync(Subscription subscription)
    {
        var wake = new WakeEvent("wake", subscription.Id, subscription.View(pendingOnly: true)[0].Path, subscription.Generation, time.GetUtcNow().ToUnixTimeMilliseconds());
        using var batch = new StreamBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(wake, SubscriptionJson.Default.WakeEvent));
        var result = await log.AppendAsync(subscription.NameOf(subscription.Config.WakeStream!).LogPath, batch);
        if (result.Status != AppendStatus.Appended) DurableStreamsLog.NoWakeStream(logger, subscription.Id, subscription.Config.WakeStream!);
    }

    private async Task DeliverAsync(Subscription subscription)
    {
        try
        {
            await Task.Yield(); // the append that woke us does not wait for the receiver
            var wakeId = subscription.WakeId!;
            var generation = subscription.Generation;
            var streams = subscription.View(pendingOnly: true);
            var key = await GetKeyAsync();
            var callback = $"{subscription.Root}__ds/subscriptions/{Uri.EscapeDataString(subscription.Id)}/callback";
            var body = new WebhookBody(subscription.Id, wakeId, generation, streams, callback, key.NewToken(subscription.Owner.Name, subscription.Id, generation));
            var isDone = await webhooks.SendAsync(subscription.Config.Webhook!.Url!, body, key);
            await subscription.Turn.WaitAsync();
            try
            {
                if (subscription.IsDeleted || subscription.WakeId != wakeId) return; // a callback was quicker, or its time was over
                subscription.NoteDelivery(succeeded: isDone is not null, time.GetUtcNow());
                if (isDone is null) DurableStreamsLog.DeliveryFailed(logger, subscription.Id, subscription.Failures);
                if (isDone == true)
                {
                    foreach (var stream in streams)
                    {
                        if (StreamOffset.TryParse(stream.TailOffset, out var tail)) subscription.TryAck(stream.Path, tail);
                    }
                }

                if (isDone != false) subscription.Release();
                await _store.SaveAsync(subscription);
                await WakeIfPendingAsync(subscription);
            }
            finally
            {
                subscription.Turn.Release();
            }
        }
        catch (Exception e)
        {
            DurableStreamsLog.WakeFailed(logger, subscription.Id, e);
        }
    }
}
