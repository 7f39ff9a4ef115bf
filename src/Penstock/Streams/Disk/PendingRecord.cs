using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace Penstock.Streams.Disk;

/// <summary>What a stream says to a record.</summary>
internal enum Admission
{
    Taken,

    /// <summary>Never; the record says why.</summary>
    Refused,

    /// <summary>Not known before what is on its way to the disk is there.</summary>
    Wait,
}

/// <summary>One record on its way into the log, and the wait for it. A writer uses itself for each of its appends.</summary>
internal class PendingRecord(DiskStream stream) : IValueTaskSource, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _completion;
    private byte[] _mark = [];

    public DiskStream Stream { get; } = stream;

    public RecordHeader Header;

    public long Position { get; set; }

    /// <summary>The next one in the log.</summary>
    public PendingRecord? Next { get; set; }

    /// <summary>Why it was not written.</summary>
    public Exception? Error { get; set; }

    /// <summary>Taken even when the disk is full, so that streams can end and be cleared away.</summary>
    public bool MayUseReserve =>
        Header.Kind is RecordKind.TakeOver or RecordKind.Delete or RecordKind.Trim || (Header.Closes && Header.Length - Header.MarkLength <= StreamStoreOptions.LastWords + RecordHeader.Size);

    public ValueTask Task => new(this, _completion.Version);

    public void Prepare(RecordKind kind, StreamBatch batch, long firstOffset = 0, int epoch = 0, bool closes = false, long time = 0, byte[]? mark = null)
    {
        _completion.Reset();
        Error = null;
        _mark = mark ?? [];
        Header = new RecordHeader
        {
            Magic = RecordHeader.MagicNumber,
            Length = checked((int)(RecordFormat.LengthOf(batch) + _mark.Length)),
            MarkLength = checked((ushort)_mark.Length),
            Kind = kind,
            Closes = closes,
            Stream = Stream.Number,
            FirstOffset = firstOffset,
            Epoch = epoch,
            Count = batch.Count,
            Time = time,
        };
    }

    /// <summary>Of what follows the header.</summary>
    public uint Checksum(StreamBatch batch) => RecordFormat.Checksum(Ends(batch), batch.Bytes, _mark);

    /// <summary>Asks the stream whether it takes the record. Under the commit's gate.</summary>
    public virtual Admission Admit(StreamBatch batch, long maxBytes)
    {
        Error = Stream.Admit(ref Header, batch.Bytes.Length, maxBytes);
        return Error is null ? Admission.Taken : Admission.Refused;
    }

    /// <summary>Writes the record at its position, with zeros up to where the next one begins.</summary>
    public void WriteTo(StagingRing ring, StreamBatch batch)
    {
        Span<byte> piece = stackalloc byte[RecordHeader.Size];
        Header.Write(piece);
        ring.Write(Position, piece);
        ring.Write(Position + RecordHeader.Size, Ends(batch));
        ring.Write(Position + Header.Length - _mark.Length - batch.Bytes.Length, batch.Bytes);
        ring.Write(Position + Header.Length - _mark.Length, _mark);
        piece.Clear();
        ring.Write(Position + Header.Length, piece[..(RecordFormat.Align(Header.Length) - Header.Length)]);
    }

    /// <summary>Writes the record, with zeros behind it.</summary>
    public void WriteTo(Span<byte> bytes, StreamBatch batch)
    {
        Header.Write(bytes);
        Ends(batch).CopyTo(bytes[RecordHeader.Size..]);
        batch.Bytes.CopyTo(bytes[(Header.Length - _mark.Length - batch.Bytes.Length)..]);
        _mark.CopyTo(bytes[(Header.Length - _mark.Length)..]);
        bytes[Header.Length..].Clear();
    }

    /// <summary>The record is on disk: its stream takes it in.</summary>
    public virtual void Apply(Segment segment) => Stream.Apply(Header, Position, segment);

    /// <summary>Tells the readers and whoever waits for the append.</summary>
    public void Announce()
    {
        if (Error is null)
        {
            Stream.WakeReaders();
            _completion.SetResult(true);
        }
        else
        {
            _completion.SetException(Error);
        }
    }

    void IThreadPoolWorkItem.Execute() => Announce();

    void IValueTaskSource.GetResult(short token) => _completion.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _completion.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);

    private static ReadOnlySpan<byte> Ends(StreamBatch batch) => MemoryMarshal.AsBytes(batch.Ends);
}
