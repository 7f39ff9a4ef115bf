namespace Penstock.Generations;

/// <summary>Knows who watches a generation, and calls when nobody has for as long as the policy allows.</summary>
/// <param name="policy">What the last one's leaving means.</param>
/// <param name="time">The clock of the grace.</param>
/// <param name="abandoned">Called under a lock, so it must not block. Called at most once for each time that all have left.</param>
internal sealed class Subscribers(DisconnectPolicy policy, TimeProvider time, Action abandoned) : IDisposable
{
    private readonly Lock _lock = new();
    private Subscription? _newest;
    private int _count;
    private int _changes; // tells a timer that fires whether anybody came since it was set
    private ITimer? _timer;
    private bool _disposed;

    /// <summary>Somebody reads from now on.</summary>
    public void Enter(Subscription subscription)
    {
        lock (_lock)
        {
            subscription.Next = _newest;
            if (_newest is not null) _newest.Previous = subscription;
            _newest = subscription;
        }

        Add();
    }

    /// <summary>Whoever entered has left.</summary>
    public void Leave(Subscription subscription)
    {
        lock (_lock)
        {
            if (subscription.Next is not null) subscription.Next.Previous = subscription.Previous;
            if (subscription.Previous is not null) subscription.Previous.Next = subscription.Next;
            else _newest = subscription.Next;
            (subscription.Next, subscription.Previous) = (null, null);
        }

        Remove();
    }

    /// <summary>The last event that each who reads here has been given, the newest reader first.</summary>
    /// <param name="most">How many at most.</param>
    public IReadOnlyList<long> Positions(int most)
    {
        lock (_lock)
        {
            var positions = new List<long>();
            for (var subscription = _newest; subscription is not null && positions.Count < most; subscription = subscription.Next) positions.Add(subscription.Reader.NextOffset - 1);
            return positions;
        }
    }

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
