using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Penstock.Bench;

/// <summary>
/// Linux epoll, for loops that drive thousands of sockets from one thread and sleep with nanosecond grain.
/// The runtime's own socket engine would add thread hand-offs, and its timers round to milliseconds:
/// both would be measured as if the gateway had caused them.
/// </summary>
sealed unsafe partial class Epoll : IDisposable
{
    public const uint Readable = 0x001, Writable = 0x004, Closed = 0x008 | 0x010;

    // struct epoll_event is packed on x86-64 and aligned elsewhere.
    static readonly int _stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    const int MaxEvents = 1024;

    readonly int _handle;
    readonly byte* _events = (byte*)NativeMemory.Alloc((nuint)(MaxEvents * _stride));

    public Epoll()
    {
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("The bench runs on Linux: it uses epoll.");
        _handle = epoll_create1(0);
        if (_handle < 0) throw new Win32Exception();
        _ = prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); // wake when asked, not up to 50 µs later
    }

    /// <summary>Starts to watch a socket; its events carry <paramref name="tag"/>.</summary>
    public void Add(Socket socket, int tag, uint events) => Control(EPOLL_CTL_ADD, (int)socket.Handle, tag, events);

    /// <summary>Changes what is watched for.</summary>
    public void Change(Socket socket, int tag, uint events) => Control(EPOLL_CTL_MOD, (int)socket.Handle, tag, events);

    /// <summary>Watches a descriptor that is no socket, such as standard input.</summary>
    public void Add(int descriptor, int tag, uint events) => Control(EPOLL_CTL_ADD, descriptor, tag, events);

    /// <summary>Waits until something is ready or the time has passed, and says how many events there are.</summary>
    /// <param name="nanoseconds">The longest wait; negative waits for good.</param>
    public int Wait(long nanoseconds)
    {
        var time = new Timespec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        var count = epoll_pwait2(_handle, _events, MaxEvents, nanoseconds < 0 ? null : &time, null);
        return Math.Max(count, 0); // interrupted: nothing is ready
    }

    public (int Tag, uint Events) this[int index]
    {
        get
        {
            var entry = _events + index * _stride;
            return (*(int*)(entry + _stride - 8), *(uint*)entry);
        }
    }

    /// <summary>Starts to connect without waiting; the socket becomes writable when it is done.</summary>
    public static bool StartConnect(Socket socket, SocketAddress address)
    {
        fixed (byte* bytes = address.Buffer.Span)
            return connect((int)socket.Handle, bytes, (uint)address.Size) == 0 || Marshal.GetLastPInvokeError() == EINPROGRESS;
    }

    public void Dispose()
    {
        _ = close(_handle);
        NativeMemory.Free(_events);
    }

    void Control(int operation, int descriptor, int tag, uint events)
    {
        var entry = stackalloc byte[16];
        *(uint*)entry = events;
        *(long*)(entry + _stride - 8) = tag;
        if (epoll_ctl(_handle, operation, descriptor, entry) != 0) throw new Win32Exception();
    }

    struct Timespec
    {
        public long Seconds, Nanoseconds;
    }

    const int EPOLL_CTL_ADD = 1, EPOLL_CTL_MOD = 3, PR_SET_TIMERSLACK = 29, EINPROGRESS = 115;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* entry);

    [LibraryImport("libc")]
    private static partial int epoll_pwait2(int epoll, byte* events, int max, Timespec* timeout, void* signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int descriptor, byte* address, uint length);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
