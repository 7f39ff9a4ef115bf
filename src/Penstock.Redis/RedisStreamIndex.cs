using System.Globalization;
using Microsoft.Extensions.Logging;
using Penstock.Streams;

namespace Penstock.Redis;

/// <summary>
/// All streams by the order of their creation: one sorted set of all, and one for each first part of a path. An entry comes
/// before its stream does and may outlive it; it goes when somebody comes by.
/// </summary>
internal sealed class RedisStreamIndex : IAsyncDisposable
{
    private const string All = "penstock:streams";
    private const int Page = 200;

    private static readonly TimeSpan _sweepEvery = TimeSpan.FromSeconds(30);

    // Its stream may be about to come.
    private static readonly TimeSpan _young = TimeSpan.FromMinutes(1);

    private readonly RedisConnection _redis;
    private readonly RedisStreamLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private int _sweeping;
    private string _sweptTo = "-inf";

    public RedisStreamIndex(RedisConnection redis, RedisStreamLog log, TimeProvider time, ILogger logger)
    {
        _redis = redis;
        _log = log;
        _time = time;
        _logger = logger;
        _timer = time.CreateTimer(static state => _ = ((RedisStreamIndex)state!).SweepAsync(), this, _sweepEvery, _sweepEvery);
    }

    public Task AddAsync(string path, long number, DateTimeOffset now)
    {
        var entry = new Entry(number, now.ToUnixTimeMilliseconds(), path).ToString();
        return Task.WhenAll(KeysOf(path).Select(key => _redis.ExecuteAsync(RedisConnection.Briefly, "ZADD", key, number, entry)));
    }

    public Task RemoveAsync(string path, long number) =>
        Task.WhenAll(KeysOf(path).Select(key => _redis.ExecuteAsync(RedisConnection.Briefly, "ZREMRANGEBYSCORE", key, number, number)));

    /// <summary>The streams that are there, newest first.</summary>
    /// <exception cref="StreamStorageException">Redis has gone.</exception>
    public async IAsyncEnumerable<StreamInfo> ListAsync(string prefix)
    {
        var slash = prefix.IndexOf('/', StringComparison.Ordinal);
        var key = slash < 0 ? All : $"{All}:{prefix[..slash]}";
        var before = "+inf";
        while (true)
        {
            var page = await ReadAsync("ZREVRANGEBYSCORE", key, before, "-inf");
            var found = await Task.WhenAll(page.Select(entry =>
                entry.Path.StartsWith(prefix, StringComparison.Ordinal) ? _log.DescribeAsync(entry.Path) : Task.FromResult<RedisStreamMeta?>(null)));
            for (var i = 0; i < page.Count; i++)
            {
                if (found[i] is { KeptForForks: false } meta && meta.Number == page[i].Number) yield return meta.Describe(page[i].Path);
            }

            if (page.Count < Page) yield break;
            before = "(" + page[^1].Number.ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Takes out the next entries whose streams have gone, and the streams among them whose time is over; goes on while there are many.</summary>
    public async Task SweepAsync()
    {
        if (!_redis.IsReachable || Interlocked.Exchange(ref _sweeping, 1) == 1) return;
        try
        {
            int gone;
            do
            {
                var page = await ReadAsync("ZRANGEBYSCORE", All, _sweptTo, "+inf");
                _sweptTo = page.Count < Page ? "-inf" : "(" + page[^1].Number.ToString(CultureInfo.InvariantCulture);
                var young = (_time.GetUtcNow() - _young).ToUnixTimeMilliseconds();
                gone = (await Task.WhenAll(page.Where(e => e.CreatedAt < young).Select(PruneAsync))).Count(static isGone => isGone);
            }
            while (gone > Page / 4);
        }
        catch (Exception e) when (e is StreamStorageException or ObjectDisposedException)
        {
            if (e is StreamStorageException) _logger.SweepFailed(e);
        }
        finally
        {
            Volatile.Write(ref _sweeping, 0);
        }
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private async Task<bool> PruneAsync(Entry entry)
    {
        var meta = await _log.DescribeAsync(entry.Path);
        if (meta?.Number == entry.Number) return false;
        await RemoveAsync(entry.Path, entry.Number);
        return true;
    }

    private async Task<List<Entry>> ReadAsync(string command, string key, string from, string to)
    {
        var members = (string[])(await _redis.ExecuteAsync(RedisConnection.Briefly, command, key, from, to, "LIMIT", 0, Page))!;
        return [.. members.Select(Entry.Parse)];
    }

    private static IEnumerable<string> KeysOf(string path)
    {
        yield return All;
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0) yield return $"{All}:{path[..slash]}";
    }

    private readonly record struct Entry(long Number, long CreatedAt, string Path)
    {
        public static Entry Parse(string text)
        {
            var parts = text.Split(':', 3);
            return new(long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture), parts[2]);
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}:{CreatedAt}:{Path}");
    }
}
