using System.Buffers.Binary;

namespace Penstock.Redis;

/// <summary>
/// A run of a stream's events as it is published and as it is read, one after another; stream.lua writes it. All local
/// readers share its bytes.
/// </summary>
internal sealed class EventRun
{
    private const int HeaderSize = 32;
    private const uint HasEvents = 1;
    private const uint SaysGone = 2;

    private readonly byte[] _bytes;

    private EventRun(byte[] bytes) => _bytes = bytes;

    /// <summary>What it costs to hold it.</summary>
    public int Size => _bytes.Length + 64;

    /// <summary>The stream's.</summary>
    public long Number => BinaryPrimitives.ReadInt64LittleEndian(_bytes);

    public long First => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(8));

    public long Next => First + Count;

    /// <summary>When the stream was closed, in Unix milliseconds; 0 while it is open.</summary>
    public long ClosedAt => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(16));

    /// <summary>The stream was deleted.</summary>
    public bool IsGone => Flags == SaysGone;

    /// <summary>The events are in it, not only how many there are.</summary>
    public bool IsWhole => Flags == HasEvents;

    private int Count => BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(24));

    private uint Flags => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(28));

    /// <summary>Of an event between <see cref="First"/> and <see cref="Next"/>.</summary>
    public ReadOnlySpan<byte> this[long offset]
    {
        get
        {
            var index = (int)(offset - First);
            var start = index == 0 ? 0 : End(index - 1);
            return _bytes.AsSpan(HeaderSize + (Count * sizeof(int)) + start, End(index) - start);
        }
    }

    /// <summary>Null when that is not one of ours.</summary>
    public static EventRun? Read(byte[]? bytes)
    {
        if (bytes is not { Length: >= HeaderSize }) return null;
        var run = new EventRun(bytes);
        if (run.Count < 0 || run.First < 0 || (run.IsWhole && !run.IsSound())) return null;
        return run;
    }

    public bool Holds(long offset) => IsWhole && offset >= First && offset < Next;

    private bool IsSound()
    {
        var data = bytesBehind(HeaderSize + ((long)Count * sizeof(int)));
        if (data < 0) return false;
        var last = 0;
        for (var i = 0; i < Count; i++)
        {
            var end = End(i);
            if (end < last) return false;
            last = end;
        }

        return last == data;

        long bytesBehind(long start) => _bytes.Length - start;
    }

    private int End(int index) => BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(HeaderSize + (index * sizeof(int))));
}
