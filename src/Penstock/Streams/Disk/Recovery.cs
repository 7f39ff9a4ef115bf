using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Penstock.Streams.Disk;

/// <summary>Finds out at the start which streams there are: from the index of each segment, or from the segment itself where there is none.</summary>
internal sealed class Recovery(SegmentFolder folder, TimeProvider time, ILogger logger)
{
    private readonly Dictionary<long, DiskStream> _streams = [];
    private readonly Dictionary<long, DiskStream> _orphans = []; // records without their stream's beginning: it is to come in a trim, or has gone
    private readonly HashSet<DiskStream> _deleted = [];
    private readonly Dictionary<long, (RecordHeader Record, long Position)> _claims = []; // of damaged records in the segment at hand

    /// <summary>No stream has had a higher number.</summary>
    public long LastNumber { get; private set; }

    /// <summary>Where the log goes on.</summary>
    public long End { get; private set; }

    public int Segments { get; private set; }

    public void Run()
    {
        var segments = folder.OpenAll();
        for (var i = 0; i < segments.Count; i++) Load(segments[i].Segment, segments[i].Limit, isLast: i == segments.Count - 1);
        Segments = segments.Count;
        foreach (var orphan in _orphans.Values) orphan.ReleaseAsOrphan();
        foreach (var stream in _streams.Values) stream.Resume();
    }

    /// <summary>Hands the streams over, the oldest first; the catalog lets go of those that are no more, or never came to be.</summary>
    public void Fill(StreamCatalog<DiskStream> catalog) =>
        catalog.Restore([.. _streams.Values.OrderBy(stream => stream.Number)], stream => _deleted.Contains(stream) || !stream.IsCreated);

    private void Load(Segment segment, long limit, bool isLast)
    {
        if (SegmentIndex.TryLoad(segment, out var index, out var content))
        {
            segment.End = content.End;
            segment.WrittenUntil = content.WrittenUntil;
            foreach (ref readonly var entry in content.Entries) Restore(segment, entry, content);
            segment.BecomeSealed(index!);
            segment.Release(); // its streams hold it
        }
        else
        {
            if (!isLast) logger.RebuildingIndex(segment.Path);
            Scan(segment, limit, isLast);
            folder.Seal(segment);
        }

        End = Math.Max(End, segment.End);
    }

    private void Restore(Segment segment, in IndexEntry entry, IndexContent content)
    {
        LastNumber = Math.Max(LastNumber, entry.Stream);
        if (entry.Events.HasFlag(PartEvents.Created)) Create(entry.Stream, entry.CreatedAt, new CreateBody(content.BodyOf(entry)));
        var stream = FindOrAdopt(entry.Stream);
        stream.Restore(entry, segment, content.MarksOf(entry));
        if (entry.Events.HasFlag(PartEvents.Deleted)) _deleted.Add(stream);
    }

    private void Create(long number, long createdAt, CreateBody body)
    {
        if (_streams.ContainsKey(number)) return; // a trim tells it again
        var source = body.Source == 0 ? null : _streams.GetValueOrDefault(body.Source);
        var stream = new DiskStream(body.Path, number, new DateTimeOffset(createdAt, TimeSpan.Zero), body.Retention, body.Terms(source, time.GetUtcNow()));
        if (_orphans.Remove(number, out var orphan)) stream.Adopt(orphan);
        _streams.Add(number, stream);
    }

    private DiskStream FindOrAdopt(long number)
    {
        if (_streams.TryGetValue(number, out var stream) || _orphans.TryGetValue(number, out stream)) return stream;
        var terms = new StreamTerms(default, timeToLive: null, expiresAt: null, source: null, forkOffset: 0, time.GetUtcNow());
        return _orphans[number] = new DiskStream("", number, default, default, terms);
    }

    private unsafe void Scan(Segment segment, long limit, bool isLast)
    {
        var length = (int)Math.Min(RandomAccess.GetLength(segment.File), limit - segment.Base);
        var memory = (byte*)NativeMemory.Alloc((nuint)Math.Max(length, 1)); // not the heap's: as large as a segment, and needed once
        try
        {
            var bytes = new Span<byte>(memory, length);
            for (var read = 0; read < length;)
            {
                var count = RandomAccess.Read(segment.File, bytes[read..], read);
                if (count == 0) throw new IOException($"{segment.Path} became shorter while it was read.");
                read += count;
            }

            Scan(segment, bytes, isLast);
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }

    private void Scan(Segment segment, ReadOnlySpan<byte> bytes, bool isLast)
    {
        var scanner = new SegmentScanner(bytes, segment.Base, segment.Salt);
        while (scanner.MoveNext())
        {
            if (scanner.IsDamaged) NoteDamage(segment, scanner.Start, scanner.Length, scanner.Header);
            else Take(segment, scanner.Start, scanner.Header, bytes.Slice(scanner.Start, scanner.Header.Length));
        }

        var end = RecordFormat.Align(scanner.End);
        segment.End = segment.Base + end;
        if (scanner.HasTornTail && isLast)
        {
            logger.CutTornTail(segment.Path, scanner.End, bytes.Length - scanner.End);
        }
        else if (scanner.HasTornTail)
        {
            RecordFormat.TryReadHeader(bytes[scanner.End..], out var claimed);
            NoteDamage(segment, scanner.End, bytes.Length - scanner.End, claimed);
        }

        ApplyClaims(segment);
    }

    private void Take(Segment segment, int at, in RecordHeader record, ReadOnlySpan<byte> bytes)
    {
        LastNumber = Math.Max(LastNumber, record.Stream);
        if (record.Kind is RecordKind.Create or RecordKind.Trim) Create(record.Stream, record.Time, new CreateBody(RecordFormat.Event(bytes, record.Count, 0)));

        var stream = FindOrAdopt(record.Stream);
        if (record.Kind == RecordKind.Append && (record.FirstOffset < stream.NextOffset || stream.IsClosed))
        {
            logger.LeftOutRecord(segment.Path, at, record.Stream);
            return;
        }

        _claims.Remove(record.Stream); // the gap before this record says as much, and nothing wrong
        stream.Apply(record, segment.Base + at, segment);
        if (record.Kind == RecordKind.Trim) stream.RecoverMarks(RecordFormat.Event(bytes, record.Count, 1));
        if (record.MarkLength > 0) stream.Terms?.Ledger.Recover(RecordFormat.Mark(bytes, record), record.FirstOffset + record.Count);
        if (record.Kind == RecordKind.Delete) _deleted.Add(stream);
    }

    /// <summary>
    /// Takes note of a damaged record. If its header fits the stream that it names, and nothing more of that stream follows to
    /// tell, its offsets are taken, so that they are never given to other events; reading them fails by the checksum.
    /// </summary>
    private void NoteDamage(Segment segment, int at, int length, in RecordHeader claimed)
    {
        var fits = claimed.Kind == RecordKind.Append
            && RecordFormat.Align(claimed.Length) == length
            && _streams.TryGetValue(claimed.Stream, out var stream)
            && claimed.FirstOffset == stream.NextOffset
            && !stream.IsClosed;
        if (fits) _claims[claimed.Stream] = (claimed, segment.Base + at);
        logger.FoundDamage(segment.Path, at, length, fits ? claimed.Stream : 0);
    }

    private void ApplyClaims(Segment segment)
    {
        foreach (var (number, (claimed, position)) in _claims)
        {
            var record = claimed;
            if (record.Closes) record.Time = time.GetUtcNow().UtcTicks; // what stands there may be no time at all
            _streams[number].Apply(record, position, segment);
        }

        _claims.Clear();
    }
}
