using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Penstock.Transport;

/// <summary>The system calls of the transport. Those that fail return a negative number, as the kernel's own do: minus errno.</summary>
internal static unsafe partial class Libc
{
    public const int EINTR = 4, EBADF = 9, EAGAIN = 11, ENOMEM = 12, EMFILE = 24, ENFILE = 23, EPIPE = 32, ENOBUFS = 105, ECONNRESET = 104, EINPROGRESS = 115;
    public const int EPOLLIN = 0x1, EPOLLOUT = 0x4, EPOLLERR = 0x8, EPOLLHUP = 0x10, EPOLLRDHUP = 0x2000;
    public const uint EPOLLET = 1u << 31;
    public const int EPOLL_CTL_ADD = 1, EPOLL_CTL_MOD = 3;

    private const int EPOLL_CLOEXEC = 0x80000, SOCK_STREAM = 1, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000, AF_INET = 2, AF_INET6 = 10;
    private const int MSG_PEEK = 0x2, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, SHUT_RDWR = 2;
    private const int IPPROTO_TCP = 6, TCP_NODELAY = 1, SOL_SOCKET = 1, SO_ERROR = 4, SO_LINGER = 13;
    private const int F_SETFL = 4, F_DUPFD_CLOEXEC = 1030, O_RDWR = 2, O_NONBLOCK = 0x800;
    private const int RLIMIT_NOFILE = 7;

    // struct epoll_event is packed on x86 and x64, and aligned elsewhere.
    public static readonly int EventSize = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 12 : 16;

    public static int CreateEpoll() => Result(epoll_create1(EPOLL_CLOEXEC));

    public static int Control(int epoll, int operation, SafeHandle descriptor, uint events, ulong tag)
    {
        var entry = stackalloc byte[16];
        *(uint*)entry = events;
        *(ulong*)(entry + EventSize - 8) = tag;
        return Result(epoll_ctl(epoll, operation, descriptor, entry));
    }

    public static int Wait(int epoll, byte* events, int max) => Result(epoll_wait(epoll, events, max, -1));

    public static (uint Events, ulong Tag) Event(byte* events, int index)
    {
        var entry = events + (index * EventSize);
        return (*(uint*)entry, *(ulong*)(entry + EventSize - 8));
    }

    public static int Receive(SafeHandle socket, Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            int read;
            do read = Result((int)recv(socket, bytes, (nuint)buffer.Length, MSG_DONTWAIT));
            while (read == -EINTR);
            return read;
        }
    }

    /// <summary>Whether nothing can be read: no bytes, no end, no failure.</summary>
    public static bool IsQuiet(SafeHandle socket)
    {
        byte next;
        return recv(socket, &next, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && Marshal.GetLastPInvokeError() is EAGAIN or EINTR;
    }

    public static int Send(SafeHandle socket, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            int sent;
            do sent = Result((int)send(socket, bytes, (nuint)buffer.Length, MSG_DONTWAIT | MSG_NOSIGNAL));
            while (sent == -EINTR);
            return sent;
        }
    }

    /// <summary>Takes a connection and the address of its peer.</summary>
    public static int Accept(SafeHandle listener, Span<byte> address, out int addressLength)
    {
        fixed (byte* bytes = address)
        {
            var length = (uint)address.Length;
            var accepted = Result(accept4(listener, bytes, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
            addressLength = (int)length;
            return accepted;
        }
    }

    /// <summary>Takes over a listening socket that the framework has bound: the same socket by a descriptor of its own, which does not block.</summary>
    public static Descriptor Duplicate(SafeHandle socket)
    {
        var number = Result(fcntl(socket, F_DUPFD_CLOEXEC, 0));
        if (number < 0) throw EpollError.From(number);
        var descriptor = new Descriptor(number);
        _ = fcntl(descriptor, F_SETFL, O_RDWR | O_NONBLOCK);
        return descriptor;
    }

    /// <summary>The number that the next socket gets.</summary>
    public static int NextNumber()
    {
        var number = NewSocket(ipv6: false);
        if (number >= 0) _ = close(number);
        return number;
    }

    /// <summary>How many files the process may have open.</summary>
    public static long MaxFiles()
    {
        var limits = stackalloc ulong[2];
        return getrlimit(RLIMIT_NOFILE, limits) == 0 ? (long)Math.Min(limits[0], int.MaxValue) : int.MaxValue;
    }

    public static int NewSocket(bool ipv6) => Result(socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));

    public static int Connect(SafeHandle socket, ReadOnlySpan<byte> address)
    {
        fixed (byte* bytes = address) return Result(connect(socket, bytes, (uint)address.Length));
    }

    public static int LocalAddress(SafeHandle socket, Span<byte> address, out int addressLength)
    {
        fixed (byte* bytes = address)
        {
            var length = (uint)address.Length;
            var result = Result(getsockname(socket, bytes, &length));
            addressLength = (int)length;
            return result;
        }
    }

    /// <summary>How a connect came out: 0 or errno.</summary>
    public static int PendingError(SafeHandle socket)
    {
        int error = 0;
        uint length = sizeof(int);
        return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : Marshal.GetLastPInvokeError();
    }

    public static void SendAtOnce(SafeHandle socket)
    {
        int on = 1;
        _ = setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int));
    }

    /// <summary>Makes the coming close a reset, which drops what is unsent.</summary>
    public static void ResetOnClose(SafeHandle socket)
    {
        var linger = stackalloc int[2] { 1, 0 };
        _ = setsockopt(socket, SOL_SOCKET, SO_LINGER, linger, 2 * sizeof(int));
    }

    public static void Shutdown(SafeHandle socket) => _ = shutdown(socket, SHUT_RDWR);

    private static int Result(int result) => result < 0 ? -Marshal.GetLastPInvokeError() : result;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, SafeHandle descriptor, byte* entry);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int max, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(SafeHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(SafeHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(SafeHandle socket, byte* address, uint* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(SafeHandle socket, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockname(SafeHandle socket, byte* address, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(SafeHandle socket, int level, int option, void* value, uint* length);

    [LibraryImport("libc")]
    private static partial int setsockopt(SafeHandle socket, int level, int option, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeHandle descriptor, int command, int argument);

    [LibraryImport("libc")]
    private static partial int shutdown(SafeHandle socket, int how);

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limits);

    [LibraryImport("libc")]
    internal static partial int close(int descriptor);
}

/// <summary>An open descriptor: closed once nobody uses it any more, so that its number cannot become another's under a call.</summary>
internal sealed class Descriptor : SafeHandleMinusOneIsInvalid
{
    public Descriptor(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    public int Number => (int)handle;

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
