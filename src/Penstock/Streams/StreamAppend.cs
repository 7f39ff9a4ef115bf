namespace Penstock.Streams;

/// <summary>What an append to a shared stream says of itself, so that a retry is told from new data.</summary>
public readonly record struct StreamAppend
{
    /// <summary>A producer's own name; null for an append that nobody will recognize when it comes again.</summary>
    public string? ProducerId { get; init; }

    /// <summary>Which life of the producer this is: a later one fences the earlier ones.</summary>
    public long ProducerEpoch { get; init; }

    /// <summary>Counts the producer's appends in this epoch, from 0.</summary>
    public long ProducerSeq { get; init; }

    /// <summary>The writer's place in an order of its own, compared byte by byte; each append must go beyond the one before it. Null for none.</summary>
    public string? Sequence { get; init; }

    /// <summary>Ends the stream in the same unit.</summary>
    public bool Close { get; init; }
}

public enum AppendStatus
{
    /// <summary>Stored.</summary>
    Appended,

    /// <summary>Stored before: nothing was done.</summary>
    Duplicate,

    /// <summary>There is no such stream, or it has a writer of its own.</summary>
    NotFound,

    /// <summary>The stream is closed.</summary>
    Closed,

    /// <summary>A later epoch of this producer has appended.</summary>
    StaleEpoch,

    /// <summary>A new epoch does not begin with 0.</summary>
    EpochStartsLate,

    /// <summary>An append of this producer is missing in between.</summary>
    Gap,

    /// <summary>The sequence is not beyond the last one.</summary>
    OutOfOrder,
}

/// <summary>What became of an append to a shared stream.</summary>
/// <param name="Status">Stored or not, and why.</param>
/// <param name="NextOffset">The stream's next offset.</param>
/// <param name="Closed">Whether the stream is closed now.</param>
/// <param name="ProducerEpoch">The producer's latest epoch.</param>
/// <param name="ProducerSeq">The last append of that epoch that is stored; -1 for none.</param>
public readonly record struct AppendResult(AppendStatus Status, long NextOffset = 0, bool Closed = false, long ProducerEpoch = 0, long ProducerSeq = -1);
