namespace Penstock.Transport;

/// <summary>The process's loops, one a processor. They start with the first use and run as long as the process.</summary>
internal sealed class EpollLoops
{
    private static readonly Lazy<EpollLoops?> _shared = new(TryStart);

    private readonly EpollLoop[] _loops;
    private uint _last;

    private EpollLoops(int count)
    {
        _loops = new EpollLoop[count];
        for (var i = 0; i < count; i++) _loops[i] = new EpollLoop(i);
        EpollWatch.Start(_loops);
    }

    /// <summary>The loops, or null where there is no epoll: elsewhere than on Linux, or where it is forbidden.</summary>
    public static EpollLoops? Shared => _shared.Value;

    /// <summary>The loop for a new socket: that of the present thread, which will wake it most, or the next in turn.</summary>
    public EpollLoop Choose() => EpollLoop.Current ?? Next();

    /// <summary>The next loop in turn.</summary>
    public EpollLoop Next() => _loops[Interlocked.Increment(ref _last) % (uint)_loops.Length];

    private static EpollLoops? TryStart()
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            return new EpollLoops(Environment.ProcessorCount);
        }
        catch (Exception e) when (e is InvalidOperationException or DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }
}
