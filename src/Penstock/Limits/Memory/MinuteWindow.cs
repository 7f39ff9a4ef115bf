namespace Penstock.Limits.Memory;

/// <summary>What was used in the last minute, second by second: all of a second counts until its last moment is a minute ago.</summary>
internal sealed class MinuteWindow
{
    private const int Seconds = 61;

    private long[]? _used; // by second; not made for who is not limited by the minute
    private long _second;

    public long Sum { get; private set; }

    /// <summary>Forgets what is over by now.</summary>
    public void MoveTo(long milliseconds)
    {
        var second = milliseconds / 1000;
        for (var passed = _used is null ? 0 : Math.Min(second - _second, Seconds); passed > 0; passed--)
        {
            ref var over = ref _used![(second - passed + 1) % Seconds];
            Sum -= over;
            over = 0;
        }

        _second = Math.Max(_second, second); // a clock that is set back
    }

    public void Add(long amount)
    {
        if (amount == 0) return;
        (_used ??= new long[Seconds])[_second % Seconds] += amount;
        Sum += amount;
    }

    /// <summary>Takes back what was counted last.</summary>
    public void TakeBack(long amount)
    {
        for (var age = 0; _used is not null && age < Seconds && amount > 0; age++)
        {
            ref var used = ref _used[(_second - age + Seconds) % Seconds];
            var back = Math.Min(used, amount);
            used -= back;
            Sum -= back;
            amount -= back;
        }
    }

    /// <summary>When so much of it will be over; null where there is less.</summary>
    public TimeSpan? UntilOver(long amount, long milliseconds)
    {
        for (var age = Seconds - 1; _used is not null && age >= 0; age--)
        {
            amount -= _used[(_second - age + Seconds) % Seconds];
            if (amount <= 0) return Leaves(age, milliseconds);
        }

        return null;
    }

    /// <summary>When all of it will be over.</summary>
    public TimeSpan UntilEmpty(long milliseconds)
    {
        for (var age = 0; _used is not null && age < Seconds; age++)
        {
            if (_used[(_second - age + Seconds) % Seconds] > 0) return Leaves(age, milliseconds);
        }

        return TimeSpan.Zero;
    }

    private TimeSpan Leaves(int age, long milliseconds) => TimeSpan.FromMilliseconds(((_second - age + Seconds) * 1000) - milliseconds);
}
