namespace Penstock.Generations;

/// <summary>Counts who watches a generation, and calls when nobody has for as long as the policy allows.</summary>
internal sealed class Subscribers(DisconnectPolicy policy, TimeProvider time, Action abandoned) : IDisposable
{
    private readonly Lock _lock = new();
    private int _count;
    private ITimer? _timer;
    private bool _disposed;

    public void Add()
    {
        lock (_lock)
        {
            _count++;
            _timer?.Dispose();
            _timer = null;
        }
    }

    public void Remove()
    {
        lock (_lock)
        {
            if (--_count > 0 || _disposed || policy == DisconnectPolicy.Detach) return;
            if (policy.Grace > TimeSpan.Zero)
            {
                _timer = time.CreateTimer(static state => ((Subscribers)state!).Check(), this, policy.Grace, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        abandoned();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    private void Check()
    {
        lock (_lock)
        {
            if (_count > 0 || _disposed) return;
        }

        abandoned();
    }
}
