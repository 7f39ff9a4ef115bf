namespace Penstock.Transport;

/// <summary>
/// Looks after the loops: a handler that two looks find at work, because a disk stalls or somebody else's code waits, must
/// not hold up the other streams of its loop. It looks seldom while nothing happens.
/// </summary>
internal static class EpollWatch
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan _idleInterval = TimeSpan.FromMilliseconds(100);

    public static void Start(EpollLoop[] loops) =>
        new Thread(() => Run(loops)) { Name = "Penstock watch", IsBackground = true }.UnsafeStart();

    private static void Run(EpollLoop[] loops)
    {
        var seen = new (long Progress, bool IsBusy)[loops.Length];
        while (true)
        {
            var idle = true;
            for (var i = 0; i < loops.Length; i++)
            {
                var now = (loops[i].Progress, loops[i].IsBusy);
                if (now.IsBusy && now == seen[i]) loops[i].Replace(now.Progress);
                idle &= !now.IsBusy && now == seen[i];
                seen[i] = now;
            }

            Thread.Sleep(idle ? _idleInterval : _interval);
        }
    }
}
