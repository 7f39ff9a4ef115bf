namespace Penstock.Providers;

/// <summary>
/// Cancels a call that is silent for too long. Progress costs a timestamp, not a timer: the timer looks back when it
/// fires and sleeps on for what is left (the idea of YARP's ActivityCancellationTokenSource).
/// </summary>
internal sealed class CallWatch : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _cancellation;
    private readonly ITimer _timer;
    private TimeSpan _limit;
    private long _since;

    public CallWatch(TimeProvider time, TimeSpan limit, CancellationToken stop)
    {
        _time = time;
        _limit = limit;
        _since = time.GetTimestamp();
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _timer = time.CreateTimer(static state => ((CallWatch)state!).Check(), this, limit, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => _cancellation.Token;

    /// <summary>True once the silence was too long.</summary>
    public bool Expired { get; private set; }

    /// <summary>Something came.</summary>
    public void Touch() => Volatile.Write(ref _since, _time.GetTimestamp());

    /// <summary>Something came, and from now on another silence is allowed.</summary>
    public void Touch(TimeSpan limit)
    {
        Touch();
        if (limit == _limit) return;
        _limit = limit;
        _timer.Change(limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cuts the call, which is over.</summary>
    public void Cancel() => _cancellation.Cancel();

    public void Dispose()
    {
        _timer.Dispose();
        _cancellation.Dispose();
    }

    private void Check()
    {
        var left = _limit - _time.GetElapsedTime(Volatile.Read(ref _since));
        try
        {
            if (left > TimeSpan.Zero)
            {
                _timer.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }

            Expired = true;
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended while the timer fired.
        }
    }
}
