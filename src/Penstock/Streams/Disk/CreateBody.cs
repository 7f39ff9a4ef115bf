using System.Buffers.Binary;
using System.Text;

namespace Penstock.Streams.Disk;

/// <summary>
/// What a create record says of its stream: i64 retention, i64 time to live, i64 fixed end, i64 number of the stream that
/// it is a fork of, i64 the first offset that is its own, i32 length of the path, i32 1 if it is shared, 2 if it is kept whole besides, the path, the
/// metadata. Times are in ticks; 0 is none.
/// </summary>
internal readonly ref struct CreateBody(ReadOnlySpan<byte> bytes)
{
    private const int PathStart = (5 * sizeof(long)) + (2 * sizeof(int));

    private const int KeptWhole = 2;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public TimeSpan Retention => new(Number(0));

    public bool IsShared => Sharing != 0;

    /// <summary>0 for no fork.</summary>
    public long Source => Number(3);

    /// <summary>The first offset that is the stream's own.</summary>
    public long FirstOffset => Number(4);

    public string Path => Encoding.UTF8.GetString(_bytes.Slice(PathStart, PathLength));

    public ReadOnlySpan<byte> Metadata => _bytes[(PathStart + PathLength)..];

    private int Sharing => BinaryPrimitives.ReadInt32LittleEndian(_bytes[(PathStart - sizeof(int))..]);

    private int PathLength => BinaryPrimitives.ReadInt32LittleEndian(_bytes[(5 * sizeof(long))..]);

    /// <summary>What a shared stream is told by it; null for any other.</summary>
    public StreamTerms? Terms(StreamState? source, DateTimeOffset now) => !IsShared ? null : new StreamTerms(
        Metadata.ToArray(),
        Number(1) == 0 ? null : new TimeSpan(Number(1)),
        Number(2) == 0 ? null : new DateTimeOffset(Number(2), TimeSpan.Zero),
        source,
        FirstOffset,
        now,
        keepWhole: Sharing == KeptWhole);

    /// <summary>Writes the body. A stream with a writer keeps its metadata nowhere else.</summary>
    public static byte[] Write(DiskStream stream, ReadOnlySpan<byte> metadata)
    {
        var pathLength = Encoding.UTF8.GetByteCount(stream.Path);
        var body = new byte[PathStart + pathLength + metadata.Length];
        var terms = stream.Terms;
        ReadOnlySpan<long> numbers =
        [
            stream.Retention.Ticks,
            terms?.TimeToLive is { } life ? Math.Max(1, life.Ticks) : 0, // for 0 is none
            terms?.FixedEnd?.UtcTicks ?? 0,
            terms?.Source?.Number ?? 0,
            terms?.ForkOffset ?? 0,
        ];
        for (var i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(i * sizeof(long)), numbers[i]);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(5 * sizeof(long)), pathLength);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(PathStart - sizeof(int)), terms switch { null => 0, { KeepWhole: true } => KeptWhole, _ => 1 });
        Encoding.UTF8.GetBytes(stream.Path, body.AsSpan(PathStart));
        metadata.CopyTo(body.AsSpan(PathStart + pathLength));
        return body;
    }

    private long Number(int index) => BinaryPrimitives.ReadInt64LittleEndian(_bytes[(index * sizeof(long))..]);
}
