using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>
/// All subscriptions: hears of appends, wakes whoever should know, and takes back what is not done in time. Where several nodes share
/// the log, each change is one of the log before it is one here: who writes a wake there delivers it, and nobody else does.
/// </summary>
internal sealed class SubscriptionRegistry(IStreamLog log, WebhookClient webhooks, PenstockOptions options, TimeProvider time, ILogger<SubscriptionRegistry> logger) : IHostedLifecycleService, IDisposable
{
    /// <summary>Each append looks at all of them, and each is kept in memory with its links.</summary>
    public const int MaxSubscriptions = 10_000;

    // Where owners are told apart: a tenth of all, and once half of all are there a hundredth, so that who comes late has room too.
    private const int MaxPerOwner = MaxSubscriptions / 10;
    private const int MaxPerOwnerOfMany = MaxSubscriptions / 100;

    // How long what a node that died has left undone waits for another, beyond its lease.
    private static readonly TimeSpan _sweepPeriod = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string? Owner, string Id), Subscription> _all = new();
    private readonly SubscriptionLog _store = new(log, options.Storage.MaxStreamBytes, time);
    private readonly Lock _keyGate = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task<WebhookKey>? _key;

    /// <summary>The subscription as it stands; null where its owner has none of that id.</summary>
    public async ValueTask<Subscription?> FindAsync(Owner owner, string id)
    {
        var known = _all.GetValueOrDefault((owner.Name, id));
        if (!log.SpansNodes) return known;
        if (known is null) return await _store.FindAsync(owner.Name, id) is var (record, place) ? await LearnAsync(record, place) : null;
        await known.Turn.WaitAsync();
        try
        {
            await RefreshAsync(known, Scope.Whole);
            return known.IsDeleted ? null : known;
        }
        finally
        {
            known.Turn.Release();
        }
    }

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
        if (await FindAsync(owner, id) is { } existing) return (existing, false);
        CheckRoom(owner);
        var subscription = NewTimer(new Subscription(id, owner, config, root, time.GetUtcNow()));
        await subscription.Turn.WaitAsync();
        try
        {
            if (!_all.TryAdd(key, subscription)) return (_all[key], false);
            try
            {
                await LinkAsync(subscription, config.Streams ?? []);
                await LinkMatchesAsync(subscription, createdAfter: null);
                if (await _store.CreateAsync(subscription.ToRecord()) is { } place)
                {
                    subscription.Place = place;
                    return (subscription, true);
                }

                Forget(subscription); // another node was first
            }
            catch
            {
                Forget(subscription);
                throw;
            }
        }
        finally
        {
            subscription.Turn.Release();
        }

        return (await FindAsync(owner, id) ?? throw new StreamExistsException(id), false);
    }

    /// <summary>Changes a subscription, in its turn, keeps the change, and wakes if there is reason to.</summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="change">The change; made again where another node has changed it meanwhile.</param>
    public async Task<T> ChangeAsync<T>(Subscription subscription, Func<Task<T>> change)
    {
        await subscription.Turn.WaitAsync();
        try
        {
            return await ChangeInTurnAsync(subscription, change, Scope.Whole, saves: true);
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
            do
            {
                await RefreshAsync(subscription, Scope.Record);
                if (subscription.IsDeleted) return;
            }
            while (await _store.TryAppendAsync(subscription.Place, subscription.ToRecord() with { IsDeleted = true }) is null);
            subscription.Release();
            Forget(subscription);
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
        foreach (var (record, place) in await _store.LoadAsync()) await LearnAsync(record, place);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, subscription) in _all) await NoteAsync(subscription, static _ => { });
        if (log.SpansNodes) _ = SweepAsync();
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping.Cancel();
        foreach (var (_, subscription) in _all) subscription.Timer?.Dispose();
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        webhooks.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Learns what other nodes have made, and does what one that died has left: its wakes, and those for what it appended last.</summary>
    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(_sweepPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                try
                {
                    var known = _all.Values.Select(s => s.Place.Path).ToHashSet(StringComparer.Ordinal);
                    foreach (var (record, place) in await _store.LoadAsync(info => known.Contains(info.Path) && !info.Closed))
                    {
                        if (!_all.ContainsKey((record.Owner, record.Id))) await LearnAsync(record, place);
                    }

                    foreach (var (_, subscription) in _all) await NoteAsync(subscription, static _ => { }, Scope.Whole);
                }
                catch (Exception e) when (e is not (OperationCanceledException or ObjectDisposedException))
                {
                    DurableStreamsLog.NotSwept(logger, e); // one damaged record must not end the sweep of all others
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The server stops.
        }
    }

    private void CheckRoom(Owner owner)
    {
        var all = _all.Count;
        var most = owner.Name is null ? MaxSubscriptions : all < MaxSubscriptions / 2 ? MaxPerOwner : MaxPerOwnerOfMany;
        if (all >= MaxSubscriptions) throw Full($"There are {MaxSubscriptions} subscriptions, which is as many as there may be: delete one first.");
        if (most < MaxSubscriptions && all >= most && _all.Keys.Count(key => key.Owner == owner.Name) >= most)
            throw Full($"You have {most} subscriptions or more, which is as many as one owner may have while there are {all} in all: delete one first.");
    }

    private static RequestException Full(string message) => new(message) { Status = 507, Code = "too_many_subscriptions" };

    private async Task<Subscription> LearnAsync(SubscriptionRecord record, SubscriptionPlace place)
    {
        var subscription = Subscription.From(record, place);
        if (!log.SpansNodes) subscription.Release(); // whoever had it in this process has gone with it
        await NoteTailsAsync(subscription);
        await LinkMatchesAsync(subscription, subscription.CreatedAt);
        return _all.GetOrAdd((record.Owner, record.Id), _ => NewTimer(subscription));
    }

    private Subscription NewTimer(Subscription subscription)
    {
        subscription.Timer = time.CreateTimer(state => _ = OnTimerAsync((Subscription)state!), subscription, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        return subscription;
    }

    private void Forget(Subscription subscription)
    {
        subscription.IsDeleted = true;
        subscription.Timer?.Dispose();
        _all.TryRemove(KeyValuePair.Create((subscription.Owner.Name, subscription.Id), subscription));
    }

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

    private async Task NoteTailsAsync(Subscription subscription)
    {
        var found = await Task.WhenAll(subscription.Links.Select(async link => (Path: link.Key, Info: await subscription.NameOf(link.Key).FindAsync(log))));
        foreach (var (path, info) in found)
        {
            if (info is { KeptForForks: false }) subscription.NoteTail(path, info.NextOffset);
        }
    }

    private async Task NoteAsync(Subscription subscription, Action<Subscription> note, Scope scope = Scope.Record)
    {
        await subscription.Turn.WaitAsync();
        try
        {
            await ChangeInTurnAsync(
                subscription,
                () =>
                {
                    note(subscription);
                    return Task.FromResult(true);
                },
                scope,
                saves: false);
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
            await NoteAsync(subscription, static _ => { }, Scope.Whole);
        }
        catch (ObjectDisposedException)
        {
            // The server shuts down; the next start goes on, or another node.
        }
    }

    private async Task<T> ChangeInTurnAsync<T>(Subscription subscription, Func<Task<T>> change, Scope scope, bool saves)
    {
        while (true)
        {
            await RefreshAsync(subscription, scope);
            var before = log.SpansNodes ? Serialize(subscription) : [];
            var result = await change();
            if (subscription.IsDeleted) return result;
            var wakes = Wakes(subscription, time.GetUtcNow());
            try
            {
                if (wakes || saves || (log.SpansNodes && !before.AsSpan().SequenceEqual(Serialize(subscription))))
                {
                    if (await _store.TryAppendAsync(subscription.Place, subscription.ToRecord()) is not { } place)
                    {
                        if (log.SpansNodes) continue; // another node was first
                        place = await _store.CreateAsync(subscription.ToRecord()) ?? throw new StreamGoneException(subscription.Place.Path); // damage has swallowed it
                    }

                    subscription.Place = place;
                }

                if (wakes) await BeginAsync(subscription);
            }
            catch (StreamException) when (wakes)
            {
                // Nobody has heard of it, and nobody would if it stood as woken.
                subscription.Release();
                subscription.NoteDelivery(succeeded: false, time.GetUtcNow());
                throw;
            }
            finally
            {
                Schedule(subscription);
            }

            return result;
        }
    }

    /// <summary>In the subscription's turn: how it stands on all nodes.</summary>
    private async Task RefreshAsync(Subscription subscription, Scope scope)
    {
        if (!log.SpansNodes || subscription.IsDeleted) return;
        if (await _store.ReadAsync(subscription.Place, (subscription.Owner.Name, subscription.Id)) is not var (record, place))
        {
            Forget(subscription);
            return;
        }

        if (record is not null) subscription.Set(record, place);
        if (scope == Scope.Whole) await NoteTailsAsync(subscription);
    }

    /// <summary>In the subscription's turn: gives up what has taken too long, and begins a wake if there is something to do and nobody does it.</summary>
    private bool Wakes(Subscription subscription, DateTimeOffset now)
    {
        if (subscription.LeaseEnd <= now) subscription.Release();
        if (subscription.NextAttemptAt <= now) subscription.AllowAttempt();
        if (subscription is not { WakeId: null, NextAttemptAt: null, HasPending: true }) return false;
        subscription.Wake(now, lapses: log.SpansNodes);
        return true;
    }

    // The wake stands in the log by now, so that no generation comes twice.
    private async Task BeginAsync(Subscription subscription)
    {
        if (subscription.Config.Type == Subscription.Webhook)
        {
            _ = DeliverAsync(subscription, subscription.WakeId!, subscription.Generation, subscription.View(pendingOnly: true));
            return;
        }

        await AnnounceAsync(subscription);
        if (!log.SpansNodes) return;
        subscription.NoteAnnounced(subscription.WakeId!);
        if (await _store.TryAppendAsync(subscription.Place, subscription.ToRecord()) is { } place) subscription.Place = place; // else somebody has claimed it
    }

    private void Schedule(Subscription subscription)
    {
        var next = subscription.IsDeleted ? null : subscription.LeaseEnd ?? subscription.NextAttemptAt;
        subscription.Timer?.Change(next is { } at ? TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((at - time.GetUtcNow()).TotalMilliseconds))) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private async Task AnnounceAsync(Subscription subscription)
    {
        var wake = new WakeEvent("wake", subscription.Id, subscription.View(pendingOnly: true)[0].Path, subscription.Generation, time.GetUtcNow().ToUnixTimeMilliseconds());
        using var batch = new StreamBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(wake, SubscriptionJson.Default.WakeEvent));
        var result = await log.AppendAsync(subscription.NameOf(subscription.Config.WakeStream!).LogPath, batch);
        if (result.Status != AppendStatus.Appended) DurableStreamsLog.NoWakeStream(logger, subscription.Id, subscription.Config.WakeStream!);
    }

    private async Task DeliverAsync(Subscription subscription, string wakeId, long generation, List<StreamView> streams)
    {
        try
        {
            await Task.Yield(); // the append that woke us does not wait for the receiver
            var key = await GetKeyAsync();
            var callback = $"{subscription.Root}__ds/subscriptions/{Uri.EscapeDataString(subscription.Id)}/callback";
            var body = new WebhookBody(subscription.Id, wakeId, generation, streams, callback, key.NewToken(subscription.Owner.Name, subscription.Id, generation));
            var isDone = await webhooks.SendAsync(subscription.Config.Webhook!.Url!, body, key);
            await ChangeAsync(subscription, () =>
            {
                // A callback was quicker, or its time was over.
                if (!subscription.IsDeleted && subscription.WakeId == wakeId) NoteDelivered(subscription, streams, isDone);
                return Task.FromResult(true);
            });
        }
        catch (Exception e)
        {
            DurableStreamsLog.WakeFailed(logger, subscription.Id, e);
        }
    }

    private void NoteDelivered(Subscription subscription, List<StreamView> streams, bool? isDone)
    {
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
    }

    private static byte[] Serialize(Subscription subscription) => JsonSerializer.SerializeToUtf8Bytes(subscription.ToRecord(), SubscriptionJson.Default.SubscriptionRecord);

    /// <summary>How much of a subscription is looked at before it is changed, where other nodes change it too.</summary>
    private enum Scope : byte
    {
        /// <summary>How it stands.</summary>
        Record,

        /// <summary>And how far each of its streams has come.</summary>
        Whole,
    }
}
