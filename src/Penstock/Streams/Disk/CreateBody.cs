using System.Buffers.Binary;
using System.Text;

namespace Penstock.Streams.Disk;

/// <summary>What a create record says of its stream: i64 retention (ticks), i32 length of the path, the path, the metadata.</summary>
internal readonly ref struct CreateBody(ReadOnlySpan<byte> bytes)
{
    private const int PathStart = sizeof(long) + sizeof(int);

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public TimeSpan Retention => new(BinaryPrimitives.ReadInt64LittleEndian(_bytes));

    public string Path => Encoding.UTF8.GetString(_bytes.Slice(PathStart, PathLength));

    public ReadOnlySpan<byte> Metadata => _bytes[(PathStart + PathLength)..];

    private int PathLength => BinaryPrimitives.ReadInt32LittleEndian(_bytes[sizeof(long)..]);

    public static StreamBatch Write(string path, TimeSpan retention, ReadOnlySpan<byte> metadata)
    {
        var batch = new StreamBatch();
        var pathLength = Encoding.UTF8.GetByteCount(path);
        var span = batch.GetSpan(PathStart + pathLength + metadata.Length);
        BinaryPrimitives.WriteInt64LittleEndian(span, retention.Ticks);
        BinaryPrimitives.WriteInt32LittleEndian(span[sizeof(long)..], pathLength);
        Encoding.UTF8.GetBytes(path, span[PathStart..]);
        metadata.CopyTo(span[(PathStart + pathLength)..]);
        batch.Advance(PathStart + pathLength + metadata.Length);
        batch.EndEvent();
        return batch;
    }
}
