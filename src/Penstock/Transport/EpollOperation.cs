using System.Threading.Tasks.Sources;

namespace Penstock.Transport;

/// <summary>A call that waits until its socket is ready, and then completes on the loop. Used again and again, one at a time, so that waiting allocates nothing.</summary>
internal abstract class EpollOperation<T> : IReadinessHandler, IValueTaskSource<T>, IValueTaskSource
{
    private readonly Readiness _readiness;
    private ManualResetValueTaskSourceCore<T> _source;
    private CancellationTokenRegistration _onCancel;
    private CancellationToken _cancellation;
    private bool _waits;

    protected EpollOperation(Readiness readiness)
    {
        _readiness = readiness;
        readiness.Handler = this;
    }

    void IReadinessHandler.OnReady()
    {
        while (true)
        {
            if (TryComplete(out var result, out var failure))
            {
                Complete(result, failure);
                return;
            }

            if (_readiness.Await()) return;
        }
    }

    T IValueTaskSource<T>.GetResult(short token) => _source.GetResult(token);

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <summary>Does what can be done now; false when there is nothing to do yet.</summary>
    protected abstract bool TryComplete(out T result, out Exception? failure);

    /// <summary>The call is over: nothing of it is kept.</summary>
    protected virtual void Completed()
    {
    }

    /// <summary>Refuses a call beside one that waits: the two would complete one another, on the loop, where nobody could be told.</summary>
    protected void RefuseSecond()
    {
        if (_waits) throw new InvalidOperationException("A call of this kind is under way already on this connection.");
    }

    /// <summary>Waits, after a try that found the socket not ready.</summary>
    protected ValueTask<T> Wait(CancellationToken cancellationToken = default)
    {
        var token = Begin(cancellationToken);
        return new ValueTask<T>(this, token);
    }

    protected ValueTask WaitUntyped(CancellationToken cancellationToken)
    {
        var token = Begin(cancellationToken);
        return new ValueTask(this, token);
    }

    /// <summary>Tries again whether there is something to do for who waits, on the thread pool, since the caller may hold a lock.</summary>
    protected void Retry()
    {
        if (_readiness.TryForget()) ThreadPool.UnsafeQueueUserWorkItem(static handler => handler.OnReady(), (IReadinessHandler)this, preferLocal: false);
    }

    private short Begin(CancellationToken cancellationToken)
    {
        _waits = true;
        _source.Reset();
        var token = _source.Version;
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken;
            _onCancel = cancellationToken.UnsafeRegister(static operation => ((EpollOperation<T>)operation!).Cancel(), this);
        }

        // The loop calls from here on, at once if the socket became ready meanwhile.
        if (!_readiness.Await()) ((IReadinessHandler)this).OnReady();
        else if (cancellationToken.IsCancellationRequested) Cancel(); // it may have come before the wait began
        return token;
    }

    private void Cancel()
    {
        if (_readiness.TryForget()) Complete(default!, new OperationCanceledException(_cancellation));
    }

    private void Complete(T result, Exception? failure)
    {
        _onCancel.Dispose();
        _onCancel = default;
        _cancellation = default;
        Completed();
        _waits = false;
        if (failure is null) _source.SetResult(result);
        else _source.SetException(failure);
    }
}
