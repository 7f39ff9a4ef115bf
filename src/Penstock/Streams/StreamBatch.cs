using System.Buffers;

namespace Penstock.Streams;

/// <summary>
/// Events on their way into a stream, encoded one after another into one pooled buffer.
/// Write an event's bytes through <see cref="IBufferWriter{T}"/>, then call <see cref="EndEvent"/>.
/// </summary>
public sealed class StreamBatch : IBufferWriter<byte>, IDisposable
{
    private byte[] _buffer = [];
    private int[] _ends = []; // none while there is one event, which is so for most batches
    private int _lastEnd;
    private int _written;

    /// <summary>How many events are complete.</summary>
    public int Count { get; private set; }

    /// <summary>The bytes of all complete events, one after another.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _lastEnd);

    /// <summary>For each event the place in <see cref="Bytes"/> where it ends.</summary>
    public ReadOnlySpan<int> Ends => _ends.Length > 0 ? _ends.AsSpan(0, Count) : new ReadOnlySpan<int>(in _lastEnd)[..Count];

    /// <summary>The bytes of the event that is being written.</summary>
    internal Span<byte> Current => _buffer.AsSpan(_lastEnd, _written - _lastEnd);

    public ReadOnlySpan<byte> this[int index] => _buffer.AsSpan((index == 0 ? 0 : Ends[index - 1])..Ends[index]);

    /// <summary>Ends the event whose bytes were written since the last call.</summary>
    public void EndEvent()
    {
        if (Count > 0 && Count >= _ends.Length)
        {
            var grown = ArrayPool<int>.Shared.Rent(Math.Max(16, Count * 2));
            Ends.CopyTo(grown);
            if (_ends.Length > 0) ArrayPool<int>.Shared.Return(_ends);
            _ends = grown;
        }

        if (_ends.Length > 0) _ends[Count] = _written;
        _lastEnd = _written;
        Count++;
    }

    /// <summary>Adds one whole event.</summary>
    public void Add(ReadOnlySpan<byte> data)
    {
        data.CopyTo(GetSpan(data.Length));
        Advance(data.Length);
        EndEvent();
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_buffer.Length - _written), nameof(count));
        _written += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_written);
    }

    /// <summary>Drops all events and keeps the buffers.</summary>
    public void Clear() => Count = _written = _lastEnd = 0;

    /// <summary>Gives the buffers back to their pool; the batch is then empty and may be used again.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        if (_ends.Length > 0) ArrayPool<int>.Shared.Return(_ends);
        _buffer = [];
        _ends = [];
        Clear();
    }

    private void Reserve(int sizeHint)
    {
        var needed = _written + Math.Max(sizeHint, 1);
        if (needed <= _buffer.Length) return;
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(1024, _buffer.Length * 2)));
        _buffer.AsSpan(0, _written).CopyTo(grown);
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
    }
}
