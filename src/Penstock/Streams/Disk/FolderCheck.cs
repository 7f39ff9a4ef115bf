using System.Text;

namespace Penstock.Streams.Disk;

/// <summary>Something that is not as it was written.</summary>
/// <param name="File">The name of the file.</param>
/// <param name="Position">Where in it.</param>
/// <param name="What">What is wrong, in a sentence.</param>
/// <param name="IsHarmless">A server mends it at its next start, and nobody misses anything.</param>
internal sealed record Finding(string File, long Position, string What, bool IsHarmless = false);

/// <summary>Reads a whole data folder, record by record, and says what is damaged. Changes nothing.</summary>
internal sealed class FolderCheck
{
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<long, (string Path, long Next)> _streams = [];

    private FolderCheck()
    {
    }

    public IReadOnlyList<Finding> Findings => _findings;

    public int Segments { get; private set; }

    public long Records { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>How many streams have records here, those that have ended among them.</summary>
    public int Streams => _streams.Count;

    /// <exception cref="StreamStorageException">There is no such store, it is of another format, or a server has it open.</exception>
    public static FolderCheck Run(string folder)
    {
        using var taken = Take(folder);
        var check = new FolderCheck();
        var segments = Directory.EnumerateFiles(folder, "*" + Segment.Extension).Order(StringComparer.Ordinal).ToList();
        for (var i = 0; i < segments.Count; i++)
        {
            if (!Segment.TryParseName(segments[i], out var start, out var salt))
            {
                check.Note(segments[i], 0, "This is no segment of the log, by its name.");
                continue;
            }

            // What a failed write left behind a segment's end is not part of the log.
            var limit = i + 1 < segments.Count && Segment.TryParseName(segments[i + 1], out var next, out _) ? next - start : long.MaxValue;
            check.Read(segments[i], start, salt, limit, isLast: i == segments.Count - 1);
        }

        foreach (var index in Directory.EnumerateFiles(folder, "*" + SegmentIndex.Extension))
        {
            if (!File.Exists(Path.ChangeExtension(index, Segment.Extension))) check.Note(index, 0, "The segment of this index is missing.");
        }

        return check;
    }

    private static FileStream Take(string folder)
    {
        var path = Path.Combine(folder, SegmentFolder.LockName);
        if (!File.Exists(path)) throw new StreamStorageException($"'{folder}' is no data folder: it has no file '{SegmentFolder.LockName}'.");
        FileStream taken;
        try
        {
            taken = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
        }
        catch (IOException e)
        {
            throw new StreamStorageException($"A server has '{folder}' open. Stop it first, or check a copy.", e);
        }

        using var reader = new StreamReader(taken, leaveOpen: true);
        var format = reader.ReadToEnd();
        if (format == SegmentFolder.Format) return taken;
        taken.Dispose();
        throw new StreamStorageException($"'{folder}' holds a store of another format: '{format}', not '{SegmentFolder.Format}'.");
    }

    private void Read(string file, long start, uint salt, long limit, bool isLast)
    {
        var bytes = File.ReadAllBytes(file).AsSpan();
        if (bytes.Length > limit) bytes = bytes[..(int)limit];
        Segments++;
        var end = ReadIndex(file, start);
        var scanner = new SegmentScanner(bytes, start, salt);
        while (scanner.MoveNext())
        {
            if (scanner.IsDamaged)
            {
                Note(file, scanner.Start, $"{scanner.Length} bytes are damaged{WhoseRecord(scanner.Header)}.");
                continue;
            }

            Records++;
            Bytes += scanner.Header.Length;
            CheckRecord(file, scanner.Start, scanner.Header, bytes[scanner.Start..]);
            if (bytes[(scanner.Start + scanner.Header.Length)..(scanner.Start + scanner.Length)].ContainsAnyExcept((byte)0))
                Note(file, scanner.Start + scanner.Header.Length, "Bytes between two records are not zero.", isHarmless: true);
        }

        var found = RecordFormat.Align(scanner.End);
        if (end is { } told && found < told - start)
            Note(file, found, $"{told - start - found} bytes at the segment's end are damaged or missing{WhoseRecord(Claimed(bytes[Math.Min(found, bytes.Length)..]))}.");
        else if (end is null && scanner.HasTornTail && isLast)
            Note(file, found, $"{bytes.Length - found} bytes at the log's end are an unfinished write, or a damaged last record: the next start cuts them off{WhoseRecord(Claimed(bytes[found..]))}.", isHarmless: true);
        else if (scanner.HasTornTail)
            Note(file, found, $"{bytes.Length - found} bytes behind the last record are not zero{WhoseRecord(Claimed(bytes[found..]))}.");
    }

    private static RecordHeader Claimed(ReadOnlySpan<byte> bytes) => RecordFormat.TryReadHeader(bytes, out var header) ? header : default;

    /// <summary>Where the index says that the segment's records end, if it is there.</summary>
    private long? ReadIndex(string file, long start)
    {
        var index = SegmentIndex.PathFor(file);
        if (!File.Exists(index)) return null;
        if (SegmentIndex.TryReadEnd(index, start) is { } end) return end;
        Note(index, 0, "The index is damaged: the next start builds it again.", isHarmless: true);
        return null;
    }

    private void CheckRecord(string file, long position, in RecordHeader record, ReadOnlySpan<byte> bytes)
    {
        switch (record.Kind)
        {
            case RecordKind.Create:
                var body = new CreateBody(RecordFormat.Event(bytes, record.Count, 0));
                _streams[record.Stream] = (body.Path, body.FirstOffset);
                break;
            case RecordKind.Append when _streams.TryGetValue(record.Stream, out var stream):
                if (record.FirstOffset > stream.Next)
                    Note(file, position, $"Events {stream.Next} to {record.FirstOffset - 1} of '{stream.Path}' are lost.");
                else if (record.FirstOffset < stream.Next)
                    Note(file, position, $"Event {record.FirstOffset} of '{stream.Path}' is here a second time.");
                _streams[record.Stream] = (stream.Path, record.FirstOffset + record.Count);
                break;
            case RecordKind.Append: // its beginning is not kept any more; what follows must be whole
                _streams[record.Stream] = ($"stream number {record.Stream}", record.FirstOffset + record.Count);
                break;
            case RecordKind.Trim:
                var next = _streams.TryGetValue(record.Stream, out var known) ? Math.Max(known.Next, record.FirstOffset) : record.FirstOffset;
                _streams[record.Stream] = (new CreateBody(RecordFormat.Event(bytes, record.Count, 0)).Path, next);
                break;
        }
    }

    // The header of a damaged record may itself be what is damaged.
    private string WhoseRecord(in RecordHeader claimed)
    {
        if (claimed.Magic == 0) return "";
        var text = new StringBuilder(", by what is left of them ");
        text.Append(claimed.Kind switch { RecordKind.Create => "the beginning", RecordKind.Delete => "the deletion", RecordKind.TakeOver => "a change of writers", _ => "a record" });
        text.Append(_streams.TryGetValue(claimed.Stream, out var stream) ? $" of '{stream.Path}'" : $" of stream number {claimed.Stream}");
        if (claimed.Kind == RecordKind.Append && claimed.Count > 0) text.Append(System.Globalization.CultureInfo.InvariantCulture, $" with events {claimed.FirstOffset} to {claimed.FirstOffset + claimed.Count - 1}");
        return text.ToString();
    }

    private void Note(string file, long position, string what, bool isHarmless = false) => _findings.Add(new(Path.GetFileName(file), position, what, isHarmless));
}
