using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Penstock.Streams.Disk;

/// <summary>
/// Streams in a folder: all of them in one append-only log of segment files. Memory holds a small entry for each retained
/// stream, and a smaller one once it has ended and nobody reads it; its events are read from the files, or from the ring if they are recent.
/// </summary>
internal sealed class DiskStreamLog : IStreamLog
{
    // For one trip to the thread pool, which takes longer than the reading of one.
    private const int DescribedAtOnce = 32;

    private readonly DiskStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly SegmentFolder _folder;
    private readonly StreamCatalog<DiskStream> _streams;
    private readonly DiskRetention _retention;
    private long _lastNumber;
    private volatile bool _isDisposed;

    private DiskStreamLog(DiskStoreOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        _time = time;
        _folder = new SegmentFolder(options, time, logger);
        _streams = new(time, LetGo, rest: static stream => stream.TryRest());
        try
        {
            var started = Stopwatch.GetTimestamp();
            var recovery = new Recovery(_folder, time, logger);
            recovery.Run();
            recovery.Fill(_streams);
            _lastNumber = recovery.LastNumber;
            Commit = new GroupCommit(options, _folder, recovery.End, logger);
            _retention = new DiskRetention(this, _streams, options, time, logger);
            logger.Opened(options.Folder, _streams.Count, recovery.Segments, (long)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        catch
        {
            _streams.Dispose();
            _folder.Dispose();
            throw;
        }
    }

    internal GroupCommit Commit { get; }

    internal DateTimeOffset Now => _time.GetUtcNow();

    internal DiskRetention Retention => _retention;

    /// <summary>How many streams rest.</summary>
    internal int Resting => _streams.Resting.Count();

    /// <summary>Opens the folder, made if need be, and finds the streams in it.</summary>
    /// <exception cref="StreamStorageException">Another process has it open, or it cannot be read and written.</exception>
    public static DiskStreamLog Open(DiskStoreOptions options, TimeProvider time, ILogger logger) => new(options, time, logger);

    public async ValueTask<IStreamWriter> CreateAsync(string path, StreamOptions options, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var stream = new DiskStream(path, Interlocked.Increment(ref _lastNumber), Now, options.Retention ?? _options.Retention);
        _streams.Add(stream);
        try
        {
            await CommitCreateAsync(stream, options.Metadata, isUnfinished: false);
        }
        catch
        {
            _streams.Withdraw(stream);
            throw;
        }

        return new DiskStreamWriter(this, stream, stream.Epoch);
    }

    public async ValueTask<StreamInfo> CreateSharedAsync(
        string path, SharedStreamOptions options, StreamBatch? events = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        DiskStream? source = null;
        if (options.Fork is { } fork && (!TryFind(fork.Source, out source) || source.Terms is null || fork.Offset > source.NextOffset))
            throw new StreamGoneException(fork.Source);
        var terms = new StreamTerms(options.Metadata.ToArray(), options.TimeToLive, options.ExpiresAt, source, options.Fork?.Offset ?? 0, Now, options.KeepWhole);
        var stream = new DiskStream(path, Interlocked.Increment(ref _lastNumber), Now, TimeSpan.MaxValue, terms);
        _streams.Add(stream);
        var hasMore = events is not null || options.Closed;
        try
        {
            await CommitCreateAsync(stream, terms.Metadata, isUnfinished: hasMore);
        }
        catch
        {
            _streams.Withdraw(stream);
            throw;
        }

        if (hasMore)
        {
            try
            {
                using var nothing = new StreamBatch();
                var first = new SharedAppend(stream, events ?? nothing, new StreamAppend { Close = options.Closed }, Now);
                await Commit.CommitAsync(first, events ?? nothing);
            }
            catch
            {
                _streams.Remove(stream); // and so does the next start
                throw;
            }
        }

        return stream.Describe(terms.Metadata);
    }

    public ValueTask<AppendResult> AppendAsync(string path, StreamBatch batch, StreamAppend append = default, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        StreamLimit.CheckNotIdle(batch, append.Close);
        if (!TryFind(path, out var stream) || stream.Terms is not { } terms) return new(new AppendResult(AppendStatus.NotFound));
        if (terms.TimeToLive is not null) terms.Use(Now);
        var record = new SharedAppend(stream, batch, append, append.Close ? Now : default);
        var commit = Commit.CommitAsync(record, batch);
        if (!commit.IsCompletedSuccessfully) return WhenCommittedAsync(commit, record);
        commit.GetAwaiter().GetResult();
        return new(record.Result);
    }

    public async ValueTask<IStreamWriter?> TakeOverAsync(string path, long? after = null, CancellationToken cancellationToken = default)
    {
        if (!TryFind(path, out var stream) || stream.Terms is not null) return null;
        try
        {
            using var nothing = new StreamBatch();
            var record = new PendingRecord(stream);
            record.Prepare(RecordKind.TakeOver, nothing, epoch: (int)(after ?? 0));
            await Commit.CommitAsync(record, nothing);
            return new DiskStreamWriter(this, stream, record.Header.Epoch);
        }
        catch (StreamException e) when (e is StreamClosedException or StreamGoneException or StreamFencedException)
        {
            return null;
        }
    }

    public ValueTask<IStreamReader?> OpenReaderAsync(string path, long offset = 0, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (!TryHold(path, out var stream)) return new((IStreamReader?)null);
        stream.Terms?.Use(Now);
        return new(new DiskStreamReader(this, stream, offset));
    }

    public ValueTask<StreamInfo?> GetAsync(string path, CancellationToken cancellationToken = default) =>
        TryFind(path, out var stream) ? DescribeAsync(stream)
        : _streams.FindKeptForForks(path) is { } kept ? new(kept.Describe(kept.Terms!.Metadata, keptForForks: true))
        : default;

    public async IAsyncEnumerable<StreamInfo> ListAsync(string prefix = "", [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var streams in _streams.Find(prefix).Where(static stream => stream.IsCreated).Chunk(DescribedAtOnce))
        {
            foreach (var info in await Task.Run(() => Describe(streams), cancellationToken)) yield return info;
        }
    }

    public async ValueTask<bool> DeleteAsync(string path, CancellationToken cancellationToken = default)
    {
        if (!TryHold(path, out var stream)) return false;
        try
        {
            await CommitDeleteAsync(stream);
            return _streams.Remove(stream);
        }
        catch (StreamGoneException)
        {
            return false;
        }
        finally
        {
            stream.LetGo();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        await _retention.DisposeAsync();
        _streams.Dispose();
        await Commit.DisposeAsync();
        foreach (var stream in _streams.All) stream.Abandon();
        _folder.Dispose();
    }

    /// <summary>Forgets a shared stream's events below an offset.</summary>
    internal async Task TrimAsync(DiskStream stream, long firstOffset)
    {
        using var batch = new StreamBatch();
        batch.Add(CreateBody.Write(stream, stream.Terms!.Metadata.Span));
        using (var marks = new MemoryStream())
        {
            stream.WriteMarks(0, long.MaxValue, marks);
            batch.Add(marks.GetBuffer().AsSpan(0, (int)marks.Length));
        }

        var record = new PendingRecord(stream);
        record.Prepare(RecordKind.Trim, batch, firstOffset, stream.Epoch, closes: stream.IsClosed, time: stream.CreatedAt.UtcTicks);
        await Commit.CommitAsync(record, batch);
    }

    /// <summary>
    /// A stream has left. A time to live counts from the last use, which no record tells, so that the end of one that was over
    /// is noted like a deletion: or the next start would find the stream and count anew.
    /// </summary>
    private void LetGo(DiskStream stream)
    {
        if (Commit is null || _isDisposed || stream.IsDeleting || stream.Terms is not { TimeToLive: not null }) stream.ReleaseSegments();
        else _ = NoteExpiryAsync(stream);
    }

    private async Task NoteExpiryAsync(DiskStream stream)
    {
        try
        {
            await CommitDeleteAsync(stream);
        }
        catch (Exception e) when (e is StreamException or ObjectDisposedException)
        {
            // It may come back at the next start, for as long as it may live unused.
        }

        stream.ReleaseSegments();
    }

    private static async ValueTask<AppendResult> WhenCommittedAsync(ValueTask commit, SharedAppend record)
    {
        await commit;
        return record.Result;
    }

    private async ValueTask CommitDeleteAsync(DiskStream stream)
    {
        using var nothing = new StreamBatch();
        var record = new PendingRecord(stream);
        record.Prepare(RecordKind.Delete, nothing);
        await Commit.CommitAsync(record, nothing);
    }

    private bool TryFind(string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out DiskStream? stream) =>
        _streams.TryFind(path, out stream) && stream.IsCreated;

    /// <summary>As <see cref="TryFind"/>; the stream does not rest until it is let go.</summary>
    private bool TryHold(string path, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out DiskStream? stream)
    {
        while (TryFind(path, out stream))
        {
            if (stream.TryHold()) return true;
            Thread.Yield(); // another one takes its place
        }

        return false;
    }

    private async ValueTask CommitCreateAsync(DiskStream stream, ReadOnlyMemory<byte> metadata, bool isUnfinished)
    {
        using var body = new StreamBatch();
        body.Add(CreateBody.Write(stream, metadata.Span));
        var record = new PendingRecord(stream);
        record.Prepare(RecordKind.Create, body, epoch: stream.Epoch, time: stream.CreatedAt.UtcTicks);
        record.Header.IsUnfinished = isUnfinished;
        await Commit.CommitAsync(record, body);
    }

    private ValueTask<StreamInfo?> DescribeAsync(DiskStream stream) =>
        DescribeFromMemory(stream) is { } info ? new(info) : new(Task.Run(() => DescribeFromFile(stream)));

    private List<StreamInfo> Describe(DiskStream[] streams)
    {
        var infos = new List<StreamInfo>(streams.Length);
        foreach (var stream in streams)
        {
            try
            {
                if ((DescribeFromMemory(stream) ?? DescribeFromFile(stream)) is { } info) infos.Add(info);
            }
            catch (StreamCorruptException)
            {
                // Whoever asks for this one alone is told.
            }
        }

        return infos;
    }

    private StreamInfo? DescribeFromMemory(DiskStream stream)
    {
        if (stream.Terms is { } terms) return stream.Describe(terms.Metadata);
        var (_, position, length) = stream.CreateRecord();
        var record = new byte[length];
        return Commit.Ring.TryCopy(position, record) ? Describe(stream, record) : null;
    }

    private StreamInfo? DescribeFromFile(DiskStream stream)
    {
        var (segment, position, length) = stream.CreateRecord();
        var record = new byte[length];
        try
        {
            RandomAccess.Read(segment.File, record, position - segment.Base);
        }
        catch (ObjectDisposedException) when (!_isDisposed)
        {
            return null; // it has gone meanwhile
        }

        return RecordFormat.TryRead(record, position, segment.Salt, out _)
            ? Describe(stream, record)
            : throw new StreamCorruptException($"The create record of '{stream.Path}' at {position - segment.Base} of {segment.Path} is damaged.");
    }

    private static StreamInfo Describe(DiskStream stream, byte[] createRecord) =>
        stream.Describe(new CreateBody(RecordFormat.Event(createRecord, 1, 0)).Metadata.ToArray());
}
