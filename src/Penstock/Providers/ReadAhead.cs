using System.Buffers;

namespace Penstock.Providers;

/// <summary>
/// Takes in what a provider says while the store keeps its answer waiting, so that the provider is neither held up nor taken
/// for silent. What is beyond the limit stays in the connection, and holds it up.
/// </summary>
internal sealed class ReadAhead(Stream body, CallWatch watch) : IAsyncDisposable
{
    private const int Smallest = 16 * 1024;

    /// <summary>The most bytes that are taken in: about half a minute of the fastest models.</summary>
    private const int Largest = 1024 * 1024;

    private byte[]? _buffer;
    private int _length;
    private Task<int>? _waiting;

    /// <summary>Waits for the store, and reads meanwhile.</summary>
    /// <param name="commit">What the store is about.</param>
    /// <param name="isProgress">Whether what comes keeps the call alive.</param>
    public async ValueTask WhileAsync(ValueTask commit, bool isProgress)
    {
        var stored = commit.AsTask();
        try
        {
            while (!stored.IsCompleted && _length < Largest)
            {
                _waiting ??= body.ReadAsync(Memory<byte>.Empty, watch.Token).AsTask();
                if (await Task.WhenAny(stored, _waiting) == stored) break;
                await _waiting;
                var read = await body.ReadAsync(Room(), watch.Token);
                if (read == 0) break; // as it is again, when it is asked again
                _waiting = null;
                _length += read;
                if (isProgress) watch.Touch();
            }
        }
        catch (Exception e)
        {
            _waiting = Task.FromException<int>(e); // told behind what was taken in, and not while the store is about it
        }

        await stored;
    }

    /// <summary>What was taken in; the caller returns the buffer to the shared pool.</summary>
    public (byte[]? Buffer, int Length) Take()
    {
        var taken = (_buffer, _length);
        (_buffer, _length) = (null, 0);
        return taken;
    }

    /// <summary>Waits for data where nothing was taken in.</summary>
    public ValueTask<int> WaitAsync()
    {
        if (_waiting is not { } waiting) return body.ReadAsync(Memory<byte>.Empty, watch.Token);
        _waiting = null;
        return new(waiting);
    }

    /// <summary>Gives up a read that still waits: a body must not be disposed under one.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_waiting is { } waiting)
        {
            if (!waiting.IsCompleted) watch.Cancel();
            await ((Task)waiting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        ReturnBuffer();
    }

    private void ReturnBuffer()
    {
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }

    private Memory<byte> Room()
    {
        if (_buffer is null || _length == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Smallest, _length * 2));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ReturnBuffer();
            _buffer = larger;
        }

        return _buffer.AsMemory(_length);
    }
}
