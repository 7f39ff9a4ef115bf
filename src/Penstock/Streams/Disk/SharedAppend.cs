namespace Penstock.Streams.Disk;

/// <summary>One append to a shared stream on its way into the log.</summary>
internal sealed class SharedAppend : PendingRecord
{
    private readonly StreamAppend _append;

    public SharedAppend(DiskStream stream, StreamBatch batch, in StreamAppend append, DateTimeOffset now)
        : base(stream)
    {
        _append = append;
        Prepare(RecordKind.Append, batch, closes: append.Close, time: append.Close ? now.UtcTicks : 0, mark: AppendMark.Write(append));
    }

    /// <summary>What became of it, once it is through.</summary>
    public AppendResult Result { get; private set; }

    public override Admission Admit(StreamBatch batch, long maxBytes)
    {
        (var admission, Result, Error) = Stream.AdmitShared(ref Header, _append, batch.Bytes.Length, maxBytes);
        return admission;
    }

    public override void Apply(Segment segment)
    {
        base.Apply(segment);
        Stream.NoteStored(_append, Header);
    }
}
