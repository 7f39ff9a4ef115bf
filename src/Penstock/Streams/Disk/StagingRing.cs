using Microsoft.Win32.SafeHandles;

namespace Penstock.Streams.Disk;

/// <summary>
/// A ring of bytes addressed by their position in the log. Records wait in it for the disk, and stay for live readers
/// until newer ones overwrite them. One writes at a time, under the commit's gate; anyone may copy out.
/// </summary>
internal sealed class StagingRing
{
    private readonly byte[] _bytes;
    private long _high; // what lies more than a ring's length below it may be overwritten at any moment; never goes back

    public StagingRing(int size, long start)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        _high = start + size;
    }

    public int Size => _bytes.Length;

    /// <summary>Announces that the bytes below <paramref name="end"/> are about to be written.</summary>
    public void Claim(long end)
    {
        if (end > _high) Volatile.Write(ref _high, end);
        Volatile.WriteBarrier(); // the announcement is seen before the bytes
    }

    public void Write(long position, ReadOnlySpan<byte> bytes)
    {
        var at = (int)(position % _bytes.Length);
        var first = Math.Min(bytes.Length, _bytes.Length - at);
        bytes[..first].CopyTo(_bytes.AsSpan(at));
        bytes[first..].CopyTo(_bytes);
    }

    /// <summary>Nothing below <paramref name="position"/> is in the ring any more: a record went past it.</summary>
    public void SkipTo(long position) => Claim(position + _bytes.Length);

    /// <summary>Copies written bytes out, unless they were, or in the meantime are, overwritten.</summary>
    public bool TryCopy(long position, Span<byte> into)
    {
        if (IsLost(position)) return false;
        var at = (int)(position % _bytes.Length);
        var first = Math.Min(into.Length, _bytes.Length - at);
        _bytes.AsSpan(at, first).CopyTo(into);
        _bytes.AsSpan(0, into.Length - first).CopyTo(into[first..]);
        Volatile.ReadBarrier(); // the bytes are read before the check
        return !IsLost(position);
    }

    /// <summary>Writes the bytes from one position to another to a file.</summary>
    public void WriteTo(SafeFileHandle file, long fileOffset, long from, long to)
    {
        while (from < to)
        {
            var at = (int)(from % _bytes.Length);
            var length = (int)Math.Min(to - from, _bytes.Length - at);
            RandomAccess.Write(file, _bytes.AsSpan(at, length), fileOffset);
            fileOffset += length;
            from += length;
        }
    }

    private bool IsLost(long position) => position < Volatile.Read(ref _high) - _bytes.Length;
}
