using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>
/// Streams in Redis, which several processes share. Each step is one script, so that it happens whole or not at all, and comes
/// to one effect however often its connection breaks.
/// </summary>
internal sealed class RedisStreamLog : IStreamLog
{
    private readonly RedisStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly RedisConnection _redis;
    private readonly RedisStreams _streams;
    private readonly RedisStreamIndex _index;
    private readonly RedisWriters _writers;
    private readonly RedisNodes _nodes;
    private readonly StreamBatch _none = new();
    private volatile bool _isDisposed;

    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    public RedisStreamLog(RedisStoreOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        _time = time;
        _redis = new RedisConnection(options, TimeProvider.System, logger); // a network is silent by its own clock, whatever retention goes by
        _streams = new RedisStreams(_redis, options, time, logger);
        _index = new RedisStreamIndex(_redis, this, time, logger);
        _writers = new RedisWriters(_redis, this);
        _nodes = new RedisNodes(_redis);
        _redis.Start(() =>
        {
            _streams.FollowAnew();
            _writers.FollowAnew();
            _nodes.FollowAnew();
        });
    }

    /// <summary>Counts what is used, on the same connection: what it is told before an event is stored is counted before that is seen.</summary>
    /// <param name="clock">Says the time; null for Redis itself.</param>
    public RedisLimiter NewLimiter(TimeProvider? clock = null) => new(_redis, clock);

    public bool SpansNodes => true;

    public bool IsReachable => _redis.IsReachable;

    public bool IsFull => _redis.IsFull;

    private RedisValue Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    public async ValueTask<bool> IsWatchedElsewhereAsync(string path, CancellationToken cancellationToken = default)
    {
        var isOurs = _streams.IsFollowed(path);
        var counts = (RedisResult[])(await _redis.ExecuteAsync(RedisConnection.Briefly, "PUBSUB", "NUMSUB", _streams.KeysOf(path).Channel))!;
        return (long)counts[1] > (isOurs ? 1 : 0);
    }

    public IDisposable WhenLost(IStreamWriter writer, Action lost) => _writers.Watch(writer, _streams.KeysOf(writer.Path).WriterChannel, lost);

    public ValueTask<IReadOnlyList<string>> AskOthersAsync(string question, CancellationToken cancellationToken = default) => _nodes.AskAsync(question);

    public void AnswerOthers(Func<string, string> answer) => _nodes.Answer(answer);

    public async ValueTask<IStreamWriter> CreateAsync(string path, StreamOptions options, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStreamLog));
        var number = await NextNumberAsync();
        await CreateAsync(path, number, isShared: false, _none, closed: false, first: 0, start: 0,
        [
            "retention", RedisStreamMeta.Milliseconds(options.Retention ?? _options.Retention), "metadata", options.Metadata.ToArray(),
        ]);
        return new RedisStreamWriter(_redis, _options, _time, _streams.KeysOf(path), path, number, epoch: 1, nextOffset: 0);
    }

    public async ValueTask<StreamInfo> CreateSharedAsync(
        string path, SharedStreamOptions options, StreamBatch? events = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStreamLog));
        var number = await NextNumberAsync();
        List<RedisValue> fields = ["metadata", options.Metadata.ToArray()];
        if (options.TimeToLive is { } life) fields.AddRange(["ttl", RedisStreamMeta.Milliseconds(life), "used", Now]);
        if (options.ExpiresAt is { } end) fields.AddRange(["end", end.ToUnixTimeMilliseconds()]);
        if (options.KeepWhole) fields.AddRange(["whole", 1]);
        var (start, first) = (0L, 0L);
        if (options.Fork is { } fork)
        {
            start = fork.Offset;
            first = Math.Min(await ForkAsync(fork, number), start);
            fields.AddRange(["source", fork.Source, "fork", start]);
        }

        try
        {
            await CreateAsync(path, number, isShared: true, events ?? _none, options.Closed, first, start, fields);
        }
        catch (Exception e) when (options.Fork is not null && e is StreamExistsException)
        {
            await ReleaseAsync(options.Fork.Source, number);
            throw;
        }

        return (await DescribeAsync(path))?.Describe(path) ?? throw new StreamGoneException(path);
    }

    public async ValueTask<AppendResult> AppendAsync(string path, StreamBatch batch, StreamAppend append = default, CancellationToken cancellationToken = default)
    {
        const int Retry = 7;
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStreamLog));
        StreamLimit.CheckNotIdle(batch, append.Close);
        var keys = _streams.KeysOf(path);
        var keepFrom = _options.KeepFrom(_time.GetUtcNow());
        var size = batch.Bytes.Length;
        RedisValue[] arguments =
        [
            keys.Channel, Now, append.Close, Optional(append.ProducerId), append.ProducerEpoch, append.ProducerSeq, Optional(append.Sequence), false,
            RandomNumberGenerator.GetBytes(8), MemoryMarshal.AsBytes(batch.Ends).ToArray(), batch.Bytes.ToArray(), _options.MaxStreamBytes,
            StreamStoreOptions.LastWords, _options.KeepBytes, keepFrom == DateTimeOffset.MinValue ? 0 : keepFrom.ToUnixTimeMilliseconds(), AppendLedger.MaxProducers,
        ];
        var said = (long[])(await _redis.RunAsync(RedisScript.AppendShared, keys.All, arguments, RedisConnection.Briefly, Retry))!;
        if (StreamLimit.Check(path, said[5], size, said[0] == 8 ? _options.MaxStreamBytes : long.MaxValue, append.Close) is { } full) throw full;
        return new AppendResult((AppendStatus)said[0], said[1], said[2] == 1, said[3], said[4]);
    }

    public async ValueTask<IStreamWriter?> TakeOverAsync(string path, long? after = null, CancellationToken cancellationToken = default)
    {
        var keys = _streams.KeysOf(path);
        var said = (long[])(await _redis.RunAsync(RedisScript.TakeOver, keys.All, [Now, keys.WriterChannel, after ?? 0, Guid.NewGuid().ToString("N")], _options.Outage))!;
        return said.Length == 0 ? null : new RedisStreamWriter(_redis, _options, _time, keys, path, said[0], said[1], said[2]);
    }

    public async ValueTask<IStreamReader?> OpenReaderAsync(string path, long offset = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (await _streams.ReadAsync(_streams.KeysOf(path), offset, isUse: true) is { KeptForForks: false } meta) return _streams.Open(path, meta, offset);
        _streams.End(path);
        return null;
    }

    public async ValueTask<StreamInfo?> GetAsync(string path, CancellationToken cancellationToken = default)
    {
        var meta = await DescribeAsync(path);
        if (meta is null or { KeptForForks: true }) _streams.End(path);
        return meta?.Describe(path);
    }

    public IAsyncEnumerable<StreamInfo> ListAsync(string prefix = "", CancellationToken cancellationToken = default) => _index.ListAsync(prefix);

    public async ValueTask<bool> DeleteAsync(string path, CancellationToken cancellationToken = default) => await RemoveAsync(path, onlyOver: false);

    /// <summary>What is known of a stream, with its metadata. One whose time is over is removed.</summary>
    public async Task<RedisStreamMeta?> DescribeAsync(string path)
    {
        var arguments = RedisStreamMeta.Arguments((long)Now, from: -1, end: 0, maxBytes: 0, withMetadata: true);
        var said = await _redis.RunAsync(RedisScript.Read, _streams.KeysOf(path).All, arguments, RedisConnection.Briefly);
        var meta = RedisStreamMeta.Read(said);
        if (meta is null && ((RedisResult[])said!).Length > 1) await RemoveAsync(path, onlyOver: true);
        return meta;
    }

    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        _streams.Dispose();
        await _index.DisposeAsync();
        await _redis.DisposeAsync();
    }

    private async Task<long> NextNumberAsync() => (long)await _redis.ExecuteAsync(RedisConnection.Briefly, "INCR", StreamKeys.Counter);

    private async Task CreateAsync(
        string path, long number, bool isShared, StreamBatch events, bool closed, long first, long start, IEnumerable<RedisValue> fields)
    {
        var keys = _streams.KeysOf(path);
        RedisValue[] arguments =
        [
            keys.Channel, Now, number, isShared, MemoryMarshal.AsBytes(events.Ends).ToArray(), events.Bytes.ToArray(), _options.MaxStreamBytes,
            StreamStoreOptions.LastWords, closed, first, start, .. fields,
        ];
        var size = events.Bytes.Length;
        // In the index first, so that a crash in between leaves nothing that is never found.
        var indexing = _index.AddAsync(path, number, _time.GetUtcNow());
        var creating = _redis.RunAsync(RedisScript.Create, keys.All, arguments, RedisConnection.Briefly);
        await indexing;
        var said = (RedisResult[])(await creating)!;
        switch ((int)said[0])
        {
            case 1:
                await _index.RemoveAsync(path, number);
                throw new StreamExistsException(path);
            case 2:
                await _index.RemoveAsync(path, number);
                throw StreamLimit.Check(path, 0, size, _options.MaxStreamBytes, closed)!;
        }

        if (said.Length > 1) await ReleaseAsync((string)said[1]!, (long)said[2]);
    }

    /// <summary>Has a stream kept for a fork, and returns where it begins.</summary>
    private async Task<long> ForkAsync(StreamFork fork, long number)
    {
        var said = (long[])(await _redis.RunAsync(RedisScript.Fork, _streams.KeysOf(fork.Source).All, [Now, number, fork.Offset], RedisConnection.Briefly))!;
        return said.Length == 0 ? throw new StreamGoneException(fork.Source) : said[1];
    }

    /// <summary>A fork has gone; what was only kept for it goes, too.</summary>
    private async Task ReleaseAsync(string? source, long fork)
    {
        while (source is not null)
        {
            var said = (RedisResult[])(await _redis.RunAsync(RedisScript.Release, _streams.KeysOf(source).All, [Now, fork], RedisConnection.Briefly))!;
            (source, fork) = said.Length == 0 ? (null, 0) : ((string?)said[0], (long)said[1]);
        }
    }

    private async Task<bool> RemoveAsync(string path, bool onlyOver)
    {
        var keys = _streams.KeysOf(path);
        var said = (RedisResult[])(await _redis.RunAsync(RedisScript.Delete, keys.All, [keys.Channel, Now, onlyOver, keys.WriterChannel], RedisConnection.Briefly))!;
        var (wasThere, number) = ((int)said[0] == 1, (long)said[1]);
        if (number == 0) return false;
        if (said.Length > 2) await ReleaseAsync((string?)said[2], number);
        await _index.RemoveAsync(path, number);
        _streams.End(path);
        return wasThere;
    }

    // Behind a mark that it is there.
    private static RedisValue Optional(string? text) => text is null ? "" : "+" + text;
}
