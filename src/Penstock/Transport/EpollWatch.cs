namespace Penstock.Transport;

/// <summary>
/// Looks after the loops: a handler that still runs after two looks, because a disk stalls or somebody else's code waits,
/// must not hold up the other streams of its loop. Sleeps while the loops do.
/// </summary>
internal static class EpollWatch
{
    /// <summary>A handler may hold its loop for one to two of these.</summary>
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(10);

    private static readonly AutoResetEvent _wake = new(false);
    private static volatile bool _asleep;

    /// <summary>A handler begins.</summary>
    public static void Wake()
    {
        if (!_asleep) return;
        _asleep = false;
        _wake.Set();
    }

    public static void Start(EpollLoop[] loops) =>
        new Thread(() => Run(loops)) { Name = "Penstock loop watch", IsBackground = true }.UnsafeStart();

    private static void Run(EpollLoop[] loops)
    {
        var seen = new long[loops.Length];
        while (true)
        {
            var idle = true;
            for (var i = 0; i < loops.Length; i++)
            {
                var now = loops[i].Handling;
                if (now != 0 && now == seen[i]) loops[i].Replace(now);
                seen[i] = now;
                idle &= now == 0;
            }

            // Asleep, it sees the first handler that begins: whoever began just before it fell asleep is seen by the next one.
            _asleep = idle;
            _wake.WaitOne(idle ? TimeSpan.FromSeconds(1) : _interval);
            _asleep = false;
        }
    }
}
