using Microsoft.Extensions.Logging;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Looks now and then whether anybody on any node watches what runs here. The gateway whose watchers leave stops what they watched,
/// and a gateway that died cannot: so the worker does, once nobody has watched for as long as the policy allows.
/// </summary>
internal sealed class WatchCheck(IStreamLog log, Watchers watchers, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>How often to look; also the shortest grace, since a client that was cut off needs a moment to come back.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly List<Watched> _running = [];
    private ITimer? _timer;
    private bool _checking;

    /// <summary>Looks after a generation until it ends.</summary>
    /// <param name="generation">The generation.</param>
    /// <param name="policy">What the last watcher's leaving means.</param>
    /// <param name="wasWatched">Whether to take it that somebody has watched: as long as nobody has, nobody has left.</param>
    public void Add(Generation generation, DisconnectPolicy policy, bool wasWatched)
    {
        if (policy == DisconnectPolicy.Detach) return;
        lock (_lock)
        {
            _running.Add(new Watched(generation, policy.Grace) { WasWatched = wasWatched });
            _timer ??= time.CreateTimer(static check => _ = ((WatchCheck)check!).CheckAsync(), this, Interval, Interval);
        }
    }

    public void Dispose()
    {
        lock (_lock) _timer?.Dispose();
    }

    private async Task CheckAsync()
    {
        List<Watched> running;
        lock (_lock)
        {
            if (_checking) return;
            _running.RemoveAll(w => w.Generation.Completion.IsCompleted);
            running = [.. _running];
            _checking = true;
        }

        try
        {
            foreach (var watched in running) await CheckAsync(watched);
        }
        catch (Exception e) when (e is StreamException or ObjectDisposedException)
        {
            GenerationLog.WatchUnknown(logger, e);
        }
        finally
        {
            lock (_lock) _checking = false;
        }
    }

    private async ValueTask CheckAsync(Watched watched)
    {
        var id = watched.Generation.Id;
        if (watchers.IsWatched(id) || await log.IsWatchedElsewhereAsync(GenerationPath.Of(id)))
        {
            (watched.WasWatched, watched.Since) = (true, null);
            return;
        }

        if (!watched.WasWatched) return;
        var now = time.GetUtcNow();
        watched.Since ??= now;
        if (now - watched.Since >= (watched.Grace > Interval ? watched.Grace : Interval)) watched.Generation.Stop("disconnected");
    }

    private sealed class Watched(Generation generation, TimeSpan grace)
    {
        public Generation Generation => generation;

        public TimeSpan Grace => grace;

        public bool WasWatched { get; set; }

        public DateTimeOffset? Since { get; set; }
    }
}
