namespace Penstock.Generations;

/// <summary>Knows who watches at this node what may run at any other, and calls when nobody has here for as long as the policy allows.</summary>
internal sealed class Watchers(TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _byId = new(StringComparer.Ordinal);
    private bool _disposed;

    /// <summary>Called with the id of a generation that all have left here, and nobody has come back to; must not block.</summary>
    public Action<string>? Abandoned { get; set; }

    /// <summary>Somebody watches from now on.</summary>
    /// <param name="subscription">Their cursor.</param>
    /// <param name="policy">What their leaving means, if they are the last.</param>
    public void Enter(Subscription subscription, DisconnectPolicy policy)
    {
        var id = subscription.Id;
        Entry? entry;
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out entry)) _byId[id] = entry = new Entry(new Subscribers(policy, time, () => Forget(id)), policy);
            entry.Count++;
        }

        entry.Subscribers.Enter(subscription); // not under our lock, which a grace that is over takes under theirs
    }

    /// <summary>Whoever entered has left.</summary>
    public void Leave(Subscription subscription)
    {
        Entry entry;
        lock (_lock)
        {
            entry = _byId[subscription.Id];
            if (--entry.Count == 0 && entry.Policy == DisconnectPolicy.Detach) _byId.Remove(subscription.Id); // nobody is missed
        }

        entry.Subscribers.Leave(subscription);
    }

    public bool IsWatched(string id)
    {
        lock (_lock) return _byId.TryGetValue(id, out var entry) && entry.Count > 0;
    }

    /// <summary>The last event that each who watches has been given, the newest watcher first.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<long> Positions(string id, int most)
    {
        Entry? entry;
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out entry)) return [];
        }

        return entry.Subscribers.Positions(most);
    }

    /// <summary>From now on nobody is missed: watchers are sent away by us.</summary>
    public void Dispose()
    {
        lock (_lock) _disposed = true;
    }

    private void Forget(string id)
    {
        lock (_lock)
        {
            if (_disposed || !_byId.TryGetValue(id, out var entry) || entry.Count > 0) return;
            _byId.Remove(id);
        }

        Abandoned?.Invoke(id);
    }

    /// <param name="subscribers">They, as long as any is there or missed.</param>
    /// <param name="policy">What it means that all have left.</param>
    private sealed class Entry(Subscribers subscribers, DisconnectPolicy policy)
    {
        public Subscribers Subscribers => subscribers;

        public DisconnectPolicy Policy => policy;

        public int Count { get; set; }
    }
}
