namespace Penstock.Transport;

/// <summary>What is called when a socket that was awaited is ready.</summary>
internal interface IReadinessHandler
{
    void OnReady();
}

/// <summary>
/// One direction of a socket, as edge-triggered epoll tells it: ready until a call found it drained, then awaited or not.
/// One consumer at a time reads or writes; the loop may report at any moment.
/// </summary>
internal sealed class Readiness
{
    private const int Drained = 0, Ready = 1, Awaited = 2;

    // A new socket may well have something already, and finding out costs less than being told.
    private int _state = Ready;
    private volatile bool _ended;

    public IReadinessHandler? Handler { get; set; }

    /// <summary>Whether a call may find something. It may find nothing all the same.</summary>
    public bool IsReady => Volatile.Read(ref _state) == Ready;

    /// <summary>To be called before a call that may drain the socket, so that what comes after it counts.</summary>
    public void BeginDrain()
    {
        Interlocked.Exchange(ref _state, Drained);
        if (_ended) Volatile.Write(ref _state, Ready);
    }

    /// <summary>The call took all that it had room for: there may be more.</summary>
    public void MayHaveMore() => Interlocked.CompareExchange(ref _state, Ready, Drained);

    /// <summary>Asks for the handler to be called. False when the socket is ready already; then the handler is not called.</summary>
    public bool Await() => Interlocked.CompareExchange(ref _state, Awaited, Drained) == Drained;

    /// <summary>Takes <see cref="Await"/> back; false when the handler was or will be called.</summary>
    public bool TryForget() => Interlocked.CompareExchange(ref _state, Drained, Awaited) == Awaited;

    /// <summary>From the loop: there is something.</summary>
    /// <param name="ended">No more reports will follow.</param>
    public void Report(bool ended)
    {
        if (ended) _ended = true;
        if (Interlocked.Exchange(ref _state, Ready) == Awaited) Handler!.OnReady();
    }

    /// <summary>The socket was closed on this side. Who waits learns of it on the thread pool, since the caller may hold a lock.</summary>
    public void Close()
    {
        _ended = true;
        if (Interlocked.Exchange(ref _state, Ready) == Awaited)
            ThreadPool.UnsafeQueueUserWorkItem(static handler => handler.OnReady(), Handler!, preferLocal: false);
    }
}
