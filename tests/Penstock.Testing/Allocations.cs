namespace Penstock.Testing;

public static class Allocations
{
    /// <summary>
    /// What a thousand runs of something allocate, in bytes. Code that the runtime has not optimized yet may allocate what optimized
    /// code keeps on the stack, so the claim is about where it settles: a thousand that allocate nothing have to come within the time.
    /// </summary>
    public static long Of(Action action)
    {
        var until = Environment.TickCount64 + 20_000;
        while (true)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++) action();
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated == 0 || Environment.TickCount64 > until) return allocated;
        }
    }
}
