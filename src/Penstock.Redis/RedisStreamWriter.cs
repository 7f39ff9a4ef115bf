using System.Runtime.InteropServices;
using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>
/// Appends in one round trip. While Redis is gone an append waits for it, and is sent again with its epoch and offset, by
/// which Redis tells whether it has it.
/// </summary>
internal sealed class RedisStreamWriter(RedisConnection redis, RedisStoreOptions options, TimeProvider time, StreamKeys keys, string path, long number, long epoch, long nextOffset)
    : IStreamWriter
{
    private const int Retry = 6;

    public string Path => path;

    public long Epoch => epoch;

    public long NextOffset { get; private set; } = nextOffset;

    public async ValueTask AppendAsync(StreamBatch batch, bool close = false)
    {
        StreamLimit.CheckNotIdle(batch, close);
        var count = batch.Count;
        RedisValue[] arguments =
        [
            keys.Channel, time.GetUtcNow().ToUnixTimeMilliseconds(), number, epoch, NextOffset, close, false,
            MemoryMarshal.AsBytes(batch.Ends).ToArray(), batch.Bytes.ToArray(), options.MaxStreamBytes, StreamStoreOptions.LastWords,
        ];
        var result = (RedisResult[])(await redis.RunAsync(RedisScript.Append, keys.Written, arguments, options.Outage, Retry))!;
        var said = (long)result[1];
        switch ((int)result[0])
        {
            case 0:
                NextOffset += count;
                return;
            case 1:
                throw new StreamGoneException(path);
            case 2:
                throw new StreamFencedException(path, epoch, said);
            case 3:
                throw new StreamClosedException(path);
            case 4:
                throw StreamLimit.Check(path, said, ((byte[])arguments[8]!).Length, options.MaxStreamBytes, close)!;
            case var _ when said > NextOffset:
                // An append whose answer never came was stored after all. What is appended now was made without it.
                NextOffset = said;
                throw new StreamStorageException($"An append to '{path}' that was given up was stored after all.");
            default:
                throw new StreamStorageException($"Redis has lost events of '{path}' that it had acknowledged: it holds {said} of {NextOffset}.");
        }
    }
}
