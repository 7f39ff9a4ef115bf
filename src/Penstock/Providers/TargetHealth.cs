namespace Penstock.Providers;

/// <summary>
/// How a target has fared lately: a circuit breaker. Half of at least ten calls within half a minute failing opens it; after
/// a while one call is let through, and its outcome closes it or leaves it open.
/// </summary>
internal sealed class TargetHealth(TimeProvider time)
{
    private const int LeastCalls = 10;
    private const double FailureRatio = 0.5;
    private const int DelayCount = 100;

    private static readonly TimeSpan _half = TimeSpan.FromSeconds(15); // two halves make the window
    private static readonly TimeSpan _break = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private (int Calls, int Failures) _now, _before;
    private long _since = time.GetTimestamp();
    private long? _openedAt;
    private bool _probing;
    private TimeSpan[]? _delays; // a ring of the latest
    private int _delayCount;

    /// <summary>The share of the latest calls that failed, 0 to 1.</summary>
    public double Failures
    {
        get
        {
            lock (_lock)
            {
                Roll();
                var calls = _now.Calls + _before.Calls;
                return calls == 0 ? 0 : (double)(_now.Failures + _before.Failures) / calls;
            }
        }
    }

    /// <summary>What it is like at the moment.</summary>
    public HealthNow Now
    {
        get
        {
            lock (_lock)
            {
                Roll();
                var state = _openedAt is not { } openedAt ? BreakerState.Closed : _probing || time.GetElapsedTime(openedAt) >= _break ? BreakerState.Probing : BreakerState.Open;
                return new HealthNow(state, _now.Calls + _before.Calls, _now.Failures + _before.Failures);
            }
        }
    }

    /// <summary>Whether it may be asked. Whoever is told so reports what came of it.</summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (_openedAt is not { } openedAt) return true;
            if (_probing || time.GetElapsedTime(openedAt) < _break) return false;
            return _probing = true;
        }
    }

    /// <summary>How long it takes to begin its answer in 95 of 100 cases, of the latest; null while that is not known.</summary>
    public TimeSpan? UsualDelay
    {
        get
        {
            lock (_lock)
            {
                if (_delayCount < LeastCalls) return null;
                Span<TimeSpan> sorted = stackalloc TimeSpan[DelayCount];
                sorted = sorted[..Math.Min(_delayCount, DelayCount)];
                _delays.AsSpan(0, sorted.Length).CopyTo(sorted);
                sorted.Sort();
                return sorted[(sorted.Length * 95 / 100)..][0];
            }
        }
    }

    /// <summary>It has begun to answer.</summary>
    /// <param name="delay">How long it took to.</param>
    public void Succeeded(TimeSpan delay)
    {
        Report(failed: false);
        TakeDelay(delay);
    }

    /// <summary>It was given up because another was faster.</summary>
    /// <param name="delay">How long it had had. How much more it would have taken nobody knows: as much again is a guess that soon finds one that is always slow.</param>
    public void Outrun(TimeSpan delay)
    {
        Abandoned();
        TakeDelay(2 * delay);
    }

    /// <summary>It failed before it said anything.</summary>
    public void Failed() => Report(failed: true);

    /// <summary>The call ended for reasons that say nothing of the target.</summary>
    public void Abandoned()
    {
        lock (_lock) _probing = false;
    }

    private void Report(bool failed)
    {
        lock (_lock)
        {
            Roll();
            if (_openedAt is not null && _probing)
            {
                _probing = false;
                _openedAt = failed ? time.GetTimestamp() : null;
                (_now, _before) = (default, default);
                return;
            }

            _now = (_now.Calls + 1, _now.Failures + (failed ? 1 : 0));
            var calls = _now.Calls + _before.Calls;
            if (_openedAt is null && calls >= LeastCalls && _now.Failures + _before.Failures >= calls * FailureRatio) _openedAt = time.GetTimestamp();
        }
    }

    private void TakeDelay(TimeSpan delay)
    {
        lock (_lock)
        {
            _delays ??= new TimeSpan[DelayCount];
            _delays[_delayCount % DelayCount] = delay;
            _delayCount = _delayCount + 1 < 2 * DelayCount ? _delayCount + 1 : DelayCount;
        }
    }

    private void Roll()
    {
        var elapsed = time.GetElapsedTime(_since);
        if (elapsed < _half) return;
        _before = elapsed < 2 * _half ? _now : default;
        _now = default;
        _since = time.GetTimestamp();
    }
}

/// <summary>What a target is like at a moment.</summary>
/// <param name="State">Whether it is asked.</param>
/// <param name="Calls">How many calls of the last half minute have an outcome.</param>
/// <param name="Failures">How many of them failed.</param>
internal readonly record struct HealthNow(BreakerState State, int Calls, int Failures);

internal enum BreakerState : byte
{
    /// <summary>It is asked.</summary>
    Closed,

    /// <summary>It is given a rest.</summary>
    Open,

    /// <summary>One call is to show whether it is well again.</summary>
    Probing,
}
