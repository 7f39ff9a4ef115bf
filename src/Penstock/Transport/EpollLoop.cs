using System.Runtime.InteropServices;

namespace Penstock.Transport;

/// <summary>
/// Waits for many sockets on one thread and handles each where it stands: no hand-off to another thread, which is most of
/// what a token costs otherwise. Handlers must not block; one that does is left behind, as <see cref="EpollWatch"/> sees it,
/// by a new thread that goes on with the loop.
/// </summary>
internal sealed unsafe class EpollLoop
{
    private const int MaxEvents = 256;

    // How many calls one handler may make before others have their turn.
    private const int CallsPerTurn = 64;

    private const uint Watched = Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLET;

    [ThreadStatic]
    private static EpollLoop? _current; // the loop that this thread runs

    [ThreadStatic]
    private static int _callsLeft;

    private readonly int _epoll;
    private readonly int _number;
    private readonly byte* _events = (byte*)NativeMemory.Alloc((nuint)(MaxEvents * 16));
    private readonly Lock _gate = new();
    private EpollSocket?[] _sockets = new EpollSocket?[256]; // by descriptor
    private uint _generation;

    // Of the thread that runs the loop.
    private int _count;
    private int _next;

    private int _runner; // counts the threads that have run the loop
    private int _busy; // the runner that is in a handler, or 0
    private long _handled;

    /// <exception cref="InvalidOperationException">The kernel refused.</exception>
    public EpollLoop(int number)
    {
        _number = number;
        _epoll = Libc.CreateEpoll();
        if (_epoll < 0) throw new InvalidOperationException($"epoll_create1 failed with {-_epoll}.");
        StartRunner();
    }

    /// <summary>The loop whose thread this is, or null.</summary>
    public static EpollLoop? Current => _current;

    /// <summary>Whether a handler may make another call; elsewhere than on a loop it always may.</summary>
    public static bool MayGoOn() => _current is null || --_callsLeft >= 0;

    public int Add(EpollSocket socket)
    {
        var number = socket.Descriptor.Number;
        lock (_gate)
        {
            if (number >= _sockets.Length) Array.Resize(ref _sockets, Math.Max(number + 1, _sockets.Length * 2));
            socket.Tag = ((ulong)++_generation << 32) | (uint)number;
            _sockets[number] = socket;
        }

        return Control(Libc.EPOLL_CTL_ADD, socket);
    }

    /// <summary>Has a socket that is ready reported once more.</summary>
    public int Renew(EpollSocket socket) => Control(Libc.EPOLL_CTL_MOD, socket);

    /// <summary>No more reports; the kernel forgets the socket when its descriptor is closed.</summary>
    public void Remove(EpollSocket socket)
    {
        lock (_gate)
        {
            var number = (int)(uint)socket.Tag;
            if (_sockets[number] == socket) _sockets[number] = null;
        }
    }

    /// <summary>Changes with each handler that ends.</summary>
    internal long Progress => Volatile.Read(ref _handled);

    /// <summary>Whether a handler runs.</summary>
    internal bool IsBusy => Volatile.Read(ref _busy) != 0;

    /// <summary>Leaves the handler that runs to the thread that it holds up, and goes on with the loop on a new one.</summary>
    /// <param name="progress">What <see cref="Progress"/> was; nothing happens when it has changed.</param>
    internal void Replace(long progress)
    {
        var runner = Volatile.Read(ref _busy);
        if (runner == 0 || Progress != progress) return;
        if (Interlocked.CompareExchange(ref _busy, 0, runner) != runner) return;
        Volatile.Write(ref _handled, _handled + 1);
        StartRunner();
    }

    private int Control(int operation, EpollSocket socket)
    {
        try
        {
            return Libc.Control(_epoll, operation, socket.Descriptor, Watched, socket.Tag);
        }
        catch (ObjectDisposedException)
        {
            return -Libc.EBADF;
        }
    }

    private void StartRunner()
    {
        var runner = ++_runner;
        new Thread(() => Run(runner)) { Name = $"Penstock loop {_number}", IsBackground = true }.UnsafeStart();
    }

    private void Run(int runner)
    {
        _current = this;
        var clean = ExecutionContext.Capture()!;
        while (true)
        {
            while (_next < _count)
            {
                var (events, tag) = Libc.Event(_events, _next++);
                var sockets = Volatile.Read(ref _sockets);
                if (sockets[(int)(uint)tag] is not { } socket || socket.Tag != tag) continue; // closed meanwhile
                _callsLeft = CallsPerTurn;
                Volatile.Write(ref _busy, runner);
                socket.Report(events);
                ExecutionContext.Restore(clean); // as the thread pool does: one handler's AsyncLocals are not the next one's
                if (Interlocked.CompareExchange(ref _busy, 0, runner) != runner)
                {
                    _current = null;
                    return; // another runs the loop by now
                }

                Volatile.Write(ref _handled, _handled + 1);
            }

            _next = 0;
            _count = Math.Max(0, Libc.Wait(_epoll, _events, MaxEvents));
        }
    }
}
