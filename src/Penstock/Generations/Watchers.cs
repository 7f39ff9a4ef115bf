namespace Penstock.Generations;

/// <summary>Counts who watches at this node what may run at any other, and calls when nobody has here for as long as the policy allows.</summary>
internal sealed class Watchers(TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (Subscribers Subscribers, int Count)> _byId = new(StringComparer.Ordinal);
    private bool _disposed;

    /// <summary>Called with the id of a generation that all have left here, and nobody has come back to; must not block.</summary>
    public Action<string>? Abandoned { get; set; }

    /// <summary>Somebody watches from now on; null where their leaving means nothing.</summary>
    public Watcher? Enter(string id, DisconnectPolicy policy)
    {
        if (policy == DisconnectPolicy.Detach) return null;
        lock (_lock)
        {
            if (_disposed) return null;
            var (subscribers, count) = _byId.TryGetValue(id, out var entry) ? entry : (new Subscribers(policy, time, () => Forget(id)), 0);
            subscribers.Add();
            _byId[id] = (subscribers, count + 1);
            return new Watcher(this, id);
        }
    }

    public bool IsWatched(string id)
    {
        lock (_lock) return _byId.TryGetValue(id, out var entry) && entry.Count > 0;
    }

    /// <summary>From now on nobody is missed: watchers are sent away by us.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (var (subscribers, _) in _byId.Values) subscribers.Dispose();
        }
    }

    private void Leave(string id)
    {
        lock (_lock)
        {
            if (_disposed || !_byId.TryGetValue(id, out var entry)) return;
            _byId[id] = entry with { Count = entry.Count - 1 };
            entry.Subscribers.Remove();
        }
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

    /// <summary>Somebody who watches, until disposed.</summary>
    public sealed class Watcher(Watchers watchers, string id) : IDisposable
    {
        public void Dispose() => watchers.Leave(id);
    }
}
