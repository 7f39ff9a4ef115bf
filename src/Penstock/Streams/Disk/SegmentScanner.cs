using System.Runtime.InteropServices;

namespace Penstock.Streams.Disk;

/// <summary>Walks the records of a segment whose index is missing, and finds its way past damage by the next record that proves itself.</summary>
internal ref struct SegmentScanner(ReadOnlySpan<byte> bytes, long basePosition, uint salt)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _next;

    /// <summary>Where in the segment the current piece begins.</summary>
    public int Start { get; private set; }

    public readonly int Length => _next - Start;

    /// <summary>The current piece is not a record: its bytes were damaged.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Of the current record. Of a damaged piece: what stands there if its length fits in, and may be true; else all zero.</summary>
    public RecordHeader Header { get; private set; }

    /// <summary>Moves to the next record or the next damaged piece. False at the end: nothing valid follows <see cref="End"/>.</summary>
    public bool MoveNext()
    {
        Start = _next;
        if (IsRecord(Start, out var header))
        {
            IsDamaged = false;
            Header = header;
            _next = Math.Min(Start + RecordFormat.Align(header.Length), _bytes.Length);
            return true;
        }

        if (FindRecord(Start + RecordFormat.Alignment) is not { } found) return false;
        IsDamaged = true;
        Header = default;
        _next = found;
        if (RecordFormat.TryReadHeader(_bytes[Start..found], out var claimed))
        {
            var claimedEnd = Start + RecordFormat.Align(claimed.Length);
            if (claimedEnd == found || RecordFormat.TryReadHeader(_bytes[claimedEnd..found], out _)) (Header, _next) = (claimed, claimedEnd);
        }

        return true;
    }

    /// <summary>Where the valid records end.</summary>
    public readonly int End => _next;

    /// <summary>Whether anything but zeros lies behind the end: a record that was being written when the process died.</summary>
    public readonly bool HasTornTail => _bytes[_next..].ContainsAnyExcept((byte)0);

    private readonly bool IsRecord(int at, out RecordHeader header) =>
        RecordFormat.TryRead(_bytes[at..], basePosition + at, salt, out header);

    private readonly int? FindRecord(int from)
    {
        var magic = RecordHeader.MagicNumber;
        var pattern = MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in magic));
        while (from < _bytes.Length)
        {
            var found = _bytes[from..].IndexOf(pattern);
            if (found < 0) return null;
            from += found;
            if (from % RecordFormat.Alignment == 0 && IsRecord(from, out _)) return from;
            from++;
        }

        return null;
    }
}
