using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace Penstock.Streams.Disk;

/// <summary>One record on its way into the log, and the wait for it. A writer uses itself for each of its appends.</summary>
internal class PendingRecord(DiskStream stream) : IValueTaskSource, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _completion;

    public DiskStream Stream { get; } = stream;

    public RecordHeader Header;

    public long Position { get; set; }

    /// <summary>The next one in the log.</summary>
    public PendingRecord? Next { get; set; }

    /// <summary>Why it was not written.</summary>
    public Exception? Error { get; set; }

    /// <summary>Taken even when the disk is full, so that streams can end and be cleared away.</summary>
    public bool MayUseReserve =>
        Header.Kind is RecordKind.TakeOver or RecordKind.Delete || (Header.Closes && Header.Length <= StreamStoreOptions.LastWords + RecordHeader.Size);

    public ValueTask Task => new(this, _completion.Version);

    public void Prepare(RecordKind kind, StreamBatch batch, long firstOffset = 0, int epoch = 0, bool closes = false, long time = 0)
    {
        _completion.Reset();
        Error = null;
        Header = new RecordHeader
        {
            Magic = RecordHeader.MagicNumber,
            Length = checked((int)RecordFormat.LengthOf(batch)),
            Kind = kind,
            Closes = closes,
            Stream = Stream.Number,
            FirstOffset = firstOffset,
            Epoch = epoch,
            Count = batch.Count,
            Time = time,
        };
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

    public static ReadOnlySpan<byte> Ends(StreamBatch batch) => MemoryMarshal.AsBytes(batch.Ends);
}
