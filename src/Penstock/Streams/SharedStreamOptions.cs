namespace Penstock.Streams;

/// <summary>What a shared stream is made with.</summary>
public sealed record SharedStreamOptions
{
    /// <summary>Opaque bytes kept with the stream, in memory too, and given back in <see cref="StreamInfo"/>.</summary>
    public ReadOnlyMemory<byte> Metadata { get; init; }

    /// <summary>The stream goes when it was neither read nor appended to for so long. Counts anew when the store is opened.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>The stream goes at this time.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Where the stream's beginning comes from; null for nowhere.</summary>
    public StreamFork? Fork { get; init; }

    /// <summary>The stream is closed from its beginning.</summary>
    public bool Closed { get; init; }

    /// <summary>The store forgets nothing of it by age or size, however it is set.</summary>
    public bool KeepWhole { get; init; }
}

/// <summary>A stream begins with the events of another one, which are not copied: up to an offset, where its own begin.</summary>
/// <param name="Source">The path of the other stream, which may itself be a fork.</param>
/// <param name="Offset">The first offset that is the fork's own.</param>
public sealed record StreamFork(string Source, long Offset);
