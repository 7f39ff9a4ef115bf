namespace Penstock.Streams.Memory;

/// <summary>A run of a stream's events in memory. Readers walk it without a lock: what is published is never moved.</summary>
internal sealed class Page(int capacity, long firstOffset)
{
    private const int Smallest = 256;
    private const int Largest = 32 << 10;

    private readonly byte[] _data = new byte[capacity];
    private int[] _ends = new int[4];
    private int _count;

    public long FirstOffset { get; } = firstOffset;

    /// <summary>The bytes of its events.</summary>
    public int Bytes => _count == 0 ? 0 : _ends[_count - 1];

    /// <summary>When its last event came.</summary>
    public DateTimeOffset LastAt { get; set; }

    /// <summary>Set before the first event that it holds is published.</summary>
    public Page? Next { get; private set; }

    /// <summary>Of a published event of this page.</summary>
    public ReadOnlySpan<byte> this[long offset]
    {
        get
        {
            var index = (int)(offset - FirstOffset);
            var ends = _ends;
            var start = index == 0 ? 0 : ends[index - 1];
            return _data.AsSpan(start, ends[index] - start);
        }
    }

    /// <summary>Adds an event and returns the page that it went to: this one or a new one behind it.</summary>
    public Page Add(ReadOnlySpan<byte> data)
    {
        var start = _count == 0 ? 0 : _ends[_count - 1];
        if (data.Length > _data.Length - start)
        {
            Next = new Page(Math.Max(data.Length, Math.Clamp(_data.Length * 2, Smallest, Largest)), FirstOffset + _count);
            return Next.Add(data);
        }

        data.CopyTo(_data.AsSpan(start));
        if (_count == _ends.Length) Array.Resize(ref _ends, _count * 2);
        _ends[_count++] = start + data.Length;
        return this;
    }

    public static Page First(long offset) => new(Smallest, offset);
}
