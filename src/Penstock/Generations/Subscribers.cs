namespace Penstock.Generations;

/// <summary>Counts who watches a generation, and calls when nobody has for as long as the policy allows.</summary>
/// <param name="policy">What the last one's leaving means.</param>
/// <param name="time">The clock of the grace.</param>
/// <param name="abandoned">Called under a lock, so it must not block. Called at most once for each time that all have left.</param>
internal sealed class Subscribers(DisconnectPolicy policy, TimeProvider time, Action abandoned) : IDisposable
{
    private readonly Lock _lock = new();
    private int _count;
    private int _changes; // tells a timer that fires whether anybody came since it was set
    private ITimer? _timer;
    private bool _disposed;

    public void Add()
    {
        lock (_lock)
        {
            _count++;
            _changes++;
            _timer?.Dispose();
            _timer = null;
        }
    }

    public void Remove()
    {
        lock (_lock)
        {
            _changes++;
            if (--_count > 0 || _disposed || policy == DisconnectPolicy.Detach) return;
            if (policy.Grace == TimeSpan.Zero)
            {
                abandoned();
                return;
            }

            var changes = _changes;
            _timer = time.CreateTimer(_ => Check(changes), state: null, policy.Grace, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>From now on nobody is missed: the generation has ended, or its watchers were sent away by us.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    private void Check(int changes)
    {
        lock (_lock)
        {
            if (changes == _changes && !_disposed) abandoned();
        }
    }
}
