namespace Penstock.Providers;

/// <summary>
/// Cancels a call that is silent for too long, or that takes too long in all. Progress costs a timestamp, not a timer: the timer looks back when it
/// fires and sleeps on for what is left (the idea of YARP's ActivityCancellationTokenSource).
/// </summary>
internal sealed class CallWatch : IDisposable
{
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _cancellation;
    private readonly TimeSpan _total;
    private readonly long _began;
    private TimeSpan _limit;
    private long _since;
    private ITimer? _timer;

    public CallWatch(TimeProvider time, TimeSpan limit, TimeSpan total, CancellationToken stop)
    {
        _time = time;
        _limit = limit;
        _total = total;
        _since = _began = time.GetTimestamp();
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(stop);
    }

    public CancellationToken Token => _cancellation.Token;

    /// <summary>True once the silence, or all of it, was too long.</summary>
    public bool Expired { get; private set; }

    /// <summary>True once all of it was too long.</summary>
    public bool TotalExpired { get; private set; }

    /// <summary>Begins to watch. The time counts from when this was made.</summary>
    public void Start() =>
        _timer = _time.CreateTimer(static state => ((CallWatch)state!).Check(), this, _limit < _total ? _limit : _total, Timeout.InfiniteTimeSpan);

    /// <summary>Something came.</summary>
    public void Touch() => Volatile.Write(ref _since, _time.GetTimestamp());

    /// <summary>Something came, and from now on another silence is allowed.</summary>
    public void Touch(TimeSpan limit)
    {
        Touch();
        if (limit == _limit) return;
        _limit = limit;
        Wait(limit);
    }

    /// <summary>Cuts the call, which is over.</summary>
    public void Cancel() => _cancellation.Cancel();

    public void Dispose()
    {
        _timer?.Dispose();
        _cancellation.Dispose();
    }

    private void Wait(TimeSpan silence)
    {
        var left = _total - _time.GetElapsedTime(_began);
        if (left < TimeSpan.Zero) left = TimeSpan.Zero;
        _timer?.Change(silence < left ? silence : left, Timeout.InfiniteTimeSpan);
    }

    private void Check()
    {
        var left = _limit - _time.GetElapsedTime(Volatile.Read(ref _since));
        TotalExpired = _time.GetElapsedTime(_began) >= _total;
        try
        {
            if (left > TimeSpan.Zero && !TotalExpired)
            {
                Wait(left);
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
