namespace Penstock.Transport.Http;

/// <summary>How a reply's body is delimited (RFC 9112, 6.3), and how much of it is still to come.</summary>
internal struct BodyFraming
{
    private readonly Kind _kind;
    private ChunkDecoder _chunks;
    private long _left;

    private BodyFraming(Kind kind, long left) => (_kind, _left) = (kind, left);

    private enum Kind : byte
    {
        Length,
        Chunks,
        Close,
    }

    public static BodyFraming Chunked => new(Kind.Chunks, 0);

    /// <summary>The body ends where the connection does.</summary>
    public static BodyFraming UntilClose => new(Kind.Close, 0);

    public static BodyFraming Of(long length) => new(Kind.Length, length);

    public readonly bool EndsByClose => _kind == Kind.Close;

    public readonly bool Ended => _kind == Kind.Chunks ? _chunks.Ended : _kind == Kind.Length && _left == 0;

    /// <summary>How many bytes come before the next chunk, without which its data was had.</summary>
    public readonly int RestOfChunkEnd => _chunks.RestOfChunkEnd;

    /// <summary>How much may be read for it at most, so that nothing behind it is.</summary>
    public readonly int Limit(int room) => _kind == Kind.Length ? (int)Math.Min(room, _left) : room;

    /// <summary>Takes the body's data out of what came, to its beginning.</summary>
    /// <param name="bytes">What was read; nothing when the connection has ended.</param>
    /// <param name="isClean">False when bytes follow that are not of this reply.</param>
    /// <exception cref="HttpIOException">The body is cut short, or its framing is broken.</exception>
    public int Take(Span<byte> bytes, out bool isClean)
    {
        isClean = true;
        if (bytes.IsEmpty) return EndsByClose ? 0 : throw HttpFailure.Ended();
        if (_kind == Kind.Length) _left -= bytes.Length;
        if (_kind != Kind.Chunks) return bytes.Length;
        var data = _chunks.Decode(bytes, out var used);
        isClean = used == bytes.Length;
        return data;
    }
}
