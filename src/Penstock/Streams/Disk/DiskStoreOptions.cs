namespace Penstock.Streams.Disk;

/// <summary>What an acknowledged append survives.</summary>
internal enum CommitPolicy
{
    /// <summary>The death of the process, <c>kill -9</c> included: the operating system has the bytes.</summary>
    Process,

    /// <summary>A power cut: the device has the bytes (<c>fdatasync</c>).</summary>
    Power,
}

/// <summary>What the store on disk is told.</summary>
internal sealed record DiskStoreOptions : StreamStoreOptions
{
    /// <summary>The folder that holds the log. One process at a time may have it open.</summary>
    public required string Folder { get; init; }

    public CommitPolicy Commit { get; init; } = CommitPolicy.Process;

    /// <summary>The size of a segment file. A single record larger than this gets a segment of its own.</summary>
    internal int SegmentBytes { get; init; } = 64 << 20;

    /// <summary>How much of a segment is kept for closing streams once the disk is full.</summary>
    internal int ReserveBytes => SegmentBytes / 16;

    /// <summary>The size of the ring in which records wait for the disk, and live readers find the recent past.</summary>
    internal int RingBytes { get; init; } = 8 << 20;

    /// <summary>Called after each write to a segment and before its sync, so that tests can make it fail.</summary>
    internal Action? AfterWrite { get; init; }
}
