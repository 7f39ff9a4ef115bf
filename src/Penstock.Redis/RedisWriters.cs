using System.Collections.Concurrent;
using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>Tells this process' writers when their streams are taken over or deleted by another: each listens on a channel where nothing else is said.</summary>
internal sealed class RedisWriters(RedisConnection redis, RedisStreamLog log)
{
    private readonly ConcurrentDictionary<Watched, bool> _watched = new();

    public IDisposable Watch(IStreamWriter writer, string channel, Action lost)
    {
        var watched = new Watched(this, writer, channel, lost);
        _watched[watched] = true;
        _ = FollowAsync(watched);
        return watched;
    }

    /// <summary>The connection has come, perhaps another one: all listen anew, and ask for what they did not hear.</summary>
    public void FollowAnew()
    {
        foreach (var watched in _watched.Keys) _ = FollowAsync(watched);
    }

    private async Task FollowAsync(Watched watched)
    {
        try
        {
            await redis.SubscribeAsync(watched.Channel, watched.Hear);
            if (_watched.ContainsKey(watched) && (await log.GetAsync(watched.Writer.Path) is not { } info || info.Epoch > watched.Writer.Epoch)) watched.Tell(); // before it listened
        }
        catch (Exception e) when (RedisConnection.IsAway(e))
        {
            // It listens again when Redis is back, and its next append is refused in any case.
        }

        if (!_watched.ContainsKey(watched)) await LeaveAsync(watched); // it ended meanwhile, and a link that comes back would listen for it still
    }

    private async Task LeaveAsync(Watched watched)
    {
        _watched.TryRemove(watched, out _);
        try
        {
            await redis.UnsubscribeAsync(watched.Channel, watched.Hear);
        }
        catch (Exception e) when (RedisConnection.IsAway(e))
        {
            // Redis has gone, and so has the subscription.
        }
    }

    private sealed class Watched(RedisWriters writers, IStreamWriter writer, string channel, Action lost) : IDisposable
    {
        private int _told;

        public IStreamWriter Writer => writer;

        public string Channel => channel;

        public void Hear(RedisChannel heard, RedisValue epoch)
        {
            if ((long)epoch > writer.Epoch) Tell();
        }

        public void Tell()
        {
            if (Interlocked.Exchange(ref _told, 1) == 0) lost();
        }

        public void Dispose() => _ = writers.LeaveAsync(this);
    }
}
