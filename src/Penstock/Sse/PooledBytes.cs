using System.Buffers;

namespace Penstock.Sse;

/// <summary>Bytes in an array that is rented while there are any, and given back by <see cref="Clear"/>.</summary>
internal struct PooledBytes
{
    private byte[]? _array;

    public int Length { get; private set; }

    public readonly bool IsRented => _array is not null;

    public readonly ReadOnlySpan<byte> Span => _array.AsSpan(0, Length);

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        if (_array is null || _array.Length - Length < bytes.Length) Grow(bytes.Length);
        bytes.CopyTo(_array.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Replaces what is held; <paramref name="bytes"/> may not lie in it.</summary>
    public void Set(scoped ReadOnlySpan<byte> bytes)
    {
        Length = 0;
        Append(bytes);
    }

    public void Clear()
    {
        if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
        _array = null;
        Length = 0;
    }

    private void Grow(int more)
    {
        // The pool rounds up to powers of two, so what grows byte by byte is copied a logarithmic number of times.
        var grown = ArrayPool<byte>.Shared.Rent(Length + more);
        Span.CopyTo(grown);
        if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
        _array = grown;
    }
}
