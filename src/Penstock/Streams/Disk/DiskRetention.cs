using Microsoft.Extensions.Logging;

namespace Penstock.Streams.Disk;

/// <summary>
/// Forgets what need not be kept: the beginnings of shared streams by their age and size, and, when the folder is too large,
/// whatever was written longest ago. Whole segments only, for nothing less gives room back.
/// </summary>
internal sealed class DiskRetention : IAsyncDisposable
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(30);

    private readonly DiskStreamLog _log;
    private readonly StreamCatalog<DiskStream> _streams;
    private readonly DiskStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly ITimer _timer;

    public DiskRetention(DiskStreamLog log, StreamCatalog<DiskStream> streams, DiskStoreOptions options, TimeProvider time, ILogger logger)
    {
        _log = log;
        _streams = streams;
        _options = options;
        _time = time;
        _logger = logger;
        _timer = time.CreateTimer(static state => _ = ((DiskRetention)state!).TendAsync(), this, _period, _period);
    }

    public async Task TendAsync()
    {
        if (!await _turn.WaitAsync(TimeSpan.Zero)) return; // the last one is still at it
        try
        {
            await TrimAsync();
            await MakeRoomAsync();
        }
        catch (Exception e) when (e is StreamStorageException or ObjectDisposedException)
        {
            if (e is StreamStorageException) _logger.RetentionFailed(e); // tried again soon
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _turn.WaitAsync();
        _turn.Dispose();
    }

    private async Task TrimAsync()
    {
        if (_options.KeepFor == TimeSpan.MaxValue && _options.KeepBytes == long.MaxValue) return;
        var keepFrom = _options.KeepFrom(_time.GetUtcNow());
        foreach (var stream in _streams.All)
        {
            var first = stream.WhereToTrim(keepFrom, _options.KeepBytes);
            if (first > stream.FirstOffset) await TryTrimAsync(stream, first);
        }
    }

    private async Task MakeRoomAsync()
    {
        if (_options.MaxTotalBytes == long.MaxValue) return;
        // A segment that no stream has anything in any more only waits to be deleted, and does not count.
        var inUse = new HashSet<Segment>();
        foreach (var stream in _streams.All) stream.CollectSegments(inUse);
        foreach (var (_, stream) in _streams.Resting) ((RestingStream)stream).CollectSegments(inUse);
        var total = inUse.Sum(segment => segment.Size);
        foreach (var segment in inUse.OrderBy(segment => segment.Base))
        {
            if (total <= _options.MaxTotalBytes || segment.End == 0) return; // enough, or it is being written
            if (await ClearAsync(segment)) total -= segment.Size;
        }
    }

    /// <returns>False when something in it has to stay.</returns>
    private async Task<bool> ClearAsync(Segment segment)
    {
        var isCleared = true;
        foreach (var stream in _streams.All)
        {
            if (!stream.IsCreated || !stream.IsIn(segment)) continue;
            if (stream.Terms is { MayBeTrimmed: true }) await TryTrimAsync(stream, stream.FirstBehind(segment));
            else if (stream.Terms is null && stream.IsClosed) await _log.DeleteAsync(stream.Path);
            else isCleared = false;
        }

        foreach (var (path, stream) in _streams.Resting)
        {
            if (((RestingStream)stream).IsIn(segment)) await _log.DeleteAsync(path.ToString());
        }

        return isCleared;
    }

    private async Task TryTrimAsync(DiskStream stream, long first)
    {
        try
        {
            await _log.TrimAsync(stream, first);
        }
        catch (StreamGoneException)
        {
            // Deleted meanwhile.
        }
    }
}
