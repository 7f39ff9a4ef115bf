using Microsoft.Extensions.Logging;
using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>
/// The streams that this process has readers of. One connection hears of all of them; a stream is subscribed to while
/// somebody here waits for more of it.
/// </summary>
internal sealed class RedisStreams : IDisposable
{
    /// <summary>How many bytes of events are read at once, unless one alone has more.</summary>
    private const int PageBytes = 64 << 10;

    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _firstCheck = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _lastCheck = TimeSpan.FromSeconds(16);

    private readonly RedisConnection _redis;
    private readonly RedisStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, RedisStream> _streams = new(StringComparer.Ordinal);
    private long _held;
    private bool _isDisposed;

    public RedisStreams(RedisConnection redis, RedisStoreOptions options, TimeProvider time, ILogger logger)
    {
        _redis = redis;
        _options = options;
        _time = time;
        _logger = logger;
        _timer = time.CreateTimer(static state => ((RedisStreams)state!).Tend(), this, _tick, _tick);
    }

    public StreamKeys KeysOf(string path) => new(path, _redis.Database);

    /// <summary>A cursor on a stream as Redis has just described it.</summary>
    public IStreamReader Open(string path, RedisStreamMeta meta, long offset)
    {
        RedisStream? old = null;
        RedisStream? stream;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStreamLog));
            if (!_streams.TryGetValue(path, out stream) || stream.Number < meta.Number || stream.IsGone)
            {
                old = stream;
                _streams[path] = stream = new RedisStream(this, path, meta);
            }

            stream.Readers++;
            stream.WasIdle = false;
        }

        if (old is not null) Let(old);
        else if (stream.Number == meta.Number) stream.Learn(meta, knownNext: 0);
        return new RedisStreamReader(this, stream, offset);
    }

    public void Detach(RedisStream stream)
    {
        lock (_gate) stream.Readers--; // tended to soon; whoever comes back by then finds it as it was
    }

    /// <summary>There is no such stream any more.</summary>
    public void End(string path)
    {
        RedisStream? stream;
        lock (_gate) _streams.TryGetValue(path, out stream);
        stream?.End();
    }

    /// <summary>Whether this process is among those that hear what is published of a stream.</summary>
    public bool IsFollowed(string path)
    {
        lock (_gate) return _streams.TryGetValue(path, out var stream) && stream.IsFollowed;
    }

    /// <summary>Hears from now on what is published of a stream, and reads what was before.</summary>
    public void Follow(RedisStream stream)
    {
        Task subscribing;
        lock (_gate)
        {
            if (stream.IsFollowed || _isDisposed) return;
            stream.IsFollowed = true;
            Expect(stream);
            subscribing = _redis.SubscribeAsync(stream.Keys.Channel, stream.Handler); // sent before the gate opens, so in this order
        }

        _ = FollowAsync(stream, subscribing);
    }

    /// <summary>Something was published: silence counts anew.</summary>
    public void Heard(RedisStream stream)
    {
        lock (_gate) Expect(stream);
    }

    /// <exception cref="StreamStorageException">Redis has gone.</exception>
    public async Task<RedisStreamMeta?> ReadAsync(StreamKeys keys, long offset, long end = long.MaxValue, bool isUse = false) => RedisStreamMeta.Read(
        await _redis.RunAsync(RedisScript.Read, keys.All, RedisStreamMeta.Arguments(Now, offset, end, PageBytes, isUse), RedisConnection.Briefly));

    /// <summary>Reads a run of events from an offset on, which may be in the stream that this one begins with.</summary>
    /// <exception cref="StreamStorageException">Redis has gone.</exception>
    public async Task<(RedisStreamMeta? Meta, EventRun? Run)> FetchAsync(StreamKeys keys, long offset)
    {
        var meta = await ReadAsync(keys, offset);
        var (owner, end) = (meta, long.MaxValue);
        while (owner is { Source: { } source } && offset < owner.ForkOffset)
        {
            end = Math.Min(end, owner.ForkOffset); // a fork of a fork may have begun before that one did
            owner = await ReadAsync(KeysOf(source), offset, end);
        }

        return (meta, owner?.Run);
    }

    public void NoteLost(RedisStream stream, long next, long known) => _logger.LostEvents(stream.Path, next, known);

    public void Hold(int bytes) => Interlocked.Add(ref _held, bytes);

    /// <summary>How many bytes one stream may hold beside its last run.</summary>
    public int Allowance(int most) => Volatile.Read(ref _held) > _options.MaxCacheBytes ? 0 : most;

    public void Dispose()
    {
        _timer.Dispose();
        List<RedisStream> streams;
        lock (_gate)
        {
            _isDisposed = true;
            streams = [.. _streams.Values];
            _streams.Clear();
        }

        foreach (var stream in streams) stream.Abandon();
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task FollowAsync(RedisStream stream, Task subscribing)
    {
        try
        {
            await subscribing;
        }
        catch (Exception e) when (e is RedisException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            lock (_gate) stream.IsFollowed = false; // tended to soon
            return;
        }

        stream.Refresh();
    }

    /// <summary>The connection has come, perhaps another one: whoever listens subscribes anew and reads what was missed.</summary>
    public void FollowAnew()
    {
        List<RedisStream> followed;
        lock (_gate)
        {
            followed = [.. _streams.Values.Where(s => s.IsFollowed)];
            foreach (var stream in followed) Unfollow(stream);
        }

        foreach (var stream in followed) Follow(stream);
    }

    private void Tend()
    {
        List<RedisStream> streams;
        lock (_gate) streams = [.. _streams.Values];
        var now = _time.GetUtcNow();
        var isReachable = _redis.IsReachable;
        foreach (var stream in streams)
        {
            if (stream.IsOver(now)) stream.End();
            if (LetIdle(stream)) continue;
            if (!isReachable || stream.IsGone) continue;
            if (IsDue(stream))
            {
                if (stream.TimeToLive is not null && stream.IsWatched) _ = UseAsync(stream); // whoever waits for more is using it
                stream.Refresh();
            }

            stream.TryAgain();
            if (stream.IsWatched && !stream.IsClosed && !stream.IsFollowed) Follow(stream);
        }
    }

    private async Task UseAsync(RedisStream stream)
    {
        try
        {
            await ReadAsync(stream.Keys, offset: -1, isUse: true);
        }
        catch (Exception e) when (e is StreamStorageException or ObjectDisposedException)
        {
            // Redis has gone. What nobody can use does not count as used.
        }
    }

    private bool IsDue(RedisStream stream)
    {
        lock (_gate)
        {
            if (!stream.IsFollowed || stream.IsClosed || _time.GetTimestamp() < stream.CheckAt) return false;
            var longest = stream.TimeToLive is { } life && life / 3 < _lastCheck ? life / 3 : _lastCheck;
            Expect(stream, stream.CheckPause * 2 < longest ? stream.CheckPause * 2 : longest);
            return true;
        }
    }

    private void Expect(RedisStream stream, TimeSpan? pause = null)
    {
        stream.CheckPause = pause ?? _firstCheck;
        stream.CheckAt = _time.GetTimestamp() + (long)(stream.CheckPause.TotalSeconds * _time.TimestampFrequency);
    }

    /// <summary>Lets go of a stream that nobody here has read for a while, or does not listen any more to one that says no more.</summary>
    /// <returns>Whether it was let go of.</returns>
    private bool LetIdle(RedisStream stream)
    {
        lock (_gate)
        {
            var isIdle = stream.Readers == 0;
            if (isIdle && stream.WasIdle)
            {
                if (_streams.TryGetValue(stream.Path, out var current) && current == stream) _streams.Remove(stream.Path);
            }
            else
            {
                stream.WasIdle = isIdle;
                if (!stream.IsClosed && !stream.IsGone) return false;
                isIdle = false;
            }

            Unfollow(stream);
            if (!isIdle) return false;
        }

        stream.Drop();
        return true;
    }

    private void Let(RedisStream stream)
    {
        lock (_gate) Unfollow(stream);
        stream.End();
        stream.Drop();
    }

    private void Unfollow(RedisStream stream)
    {
        if (!stream.IsFollowed) return;
        stream.IsFollowed = false;
        _ = UnsubscribeAsync(stream);
    }

    private async Task UnsubscribeAsync(RedisStream stream)
    {
        try
        {
            await _redis.UnsubscribeAsync(stream.Keys.Channel, stream.Handler);
        }
        catch (Exception e) when (e is RedisException or TimeoutException or OperationCanceledException or ObjectDisposedException)
        {
            // Redis has gone, and so has the subscription.
        }
    }
}
