using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Penstock.Streams.Disk;

/// <summary>The folder with the segment files, and the lock that keeps a second process out of it.</summary>
internal sealed class SegmentFolder : IDisposable
{
    /// <summary>In the lock file. A store of another format is left alone, for its records would look like damage.</summary>
    public const string Format = "Penstock stream log, format 2";

    public const string LockName = "lock";

    private readonly DiskStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FileStream _lock;
    private readonly HashSet<Segment> _open = []; // guards itself
    private readonly Lock _sealingGate = new();
    private Task _sealing = Task.CompletedTask;

    public SegmentFolder(DiskStoreOptions options, TimeProvider time, ILogger logger)
    {
        _time = time;
        _options = options;
        _logger = logger;
        try
        {
            Directory.CreateDirectory(options.Folder);
            _lock = new FileStream(Path.Combine(options.Folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StreamStorageException(
                $"The folder '{Path.GetFullPath(options.Folder)}' cannot be opened as a stream store: another process has it open, or this one may not write there ({e.Message})", e);
        }

        CheckFormat();
    }

    /// <summary>The segments that are there, in the order of the log, and where each one's records must end at the latest.</summary>
    public List<(Segment Segment, long Limit)> OpenAll()
    {
        DeleteLeftovers();
        var segments = new List<Segment>();
        foreach (var path in Directory.EnumerateFiles(_options.Folder, "*" + Segment.Extension))
        {
            if (!Segment.TryParseName(path, out var basePosition, out var salt)) continue;
            var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            segments.Add(Register(new Segment(this, path, basePosition, salt, file, RandomAccess.GetLength(file), 0)));
        }

        segments.Sort(static (a, b) => a.Base.CompareTo(b.Base));

        // What a failed write left behind a segment's end is not part of the log, whole though it may look.
        return segments.Select((segment, i) => (segment, i + 1 < segments.Count ? segments[i + 1].Base : long.MaxValue)).ToList();
    }

    /// <summary>
    /// Makes a segment for records from a position on, and room on the disk for all of it, so that a full disk is met here
    /// and not by a record.
    /// </summary>
    /// <param name="basePosition">The position of its first record.</param>
    /// <param name="capacity">How many bytes it may hold.</param>
    /// <param name="reserve">How many of them are for closing streams alone.</param>
    /// <exception cref="StreamStorageException">The disk is full or failing; nothing was left behind.</exception>
    public Segment Create(long basePosition, long capacity, int reserve)
    {
        var salt = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
        var path = Path.Combine(_options.Folder, Segment.NameOf(basePosition, salt));
        try
        {
            var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.None, capacity);
            if (_options.Commit == CommitPolicy.Power)
            {
                RandomAccess.SetLength(file, capacity); // or each sync would have to store a new length, too
                DiskSync.Folder(_options.Folder);
            }

            return Register(new Segment(this, path, basePosition, salt, file, capacity, reserve));
        }
        catch (IOException e)
        {
            File.Delete(path);
            throw new StreamStorageException($"The stream store in '{_options.Folder}' takes no more: the disk is full or failing ({e.Message})", e);
        }
    }

    /// <summary>Finishes a segment that takes no more records: cuts it to its length and writes its index, in the background.</summary>
    public void SealLater(Segment segment)
    {
        lock (_sealingGate) _sealing = _sealing.ContinueWith(_ => Seal(segment), TaskScheduler.Default);
    }

    public void Seal(Segment segment)
    {
        try
        {
            segment.WrittenUntil = _time.GetUtcNow();
            RandomAccess.SetLength(segment.File, segment.End - segment.Base);
            if (segment.Streams.Count > 0) SegmentIndex.Build(segment);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.IndexFailed(e, segment.Path);
        }

        segment.Release(); // now its streams alone hold it
    }

    /// <summary>
    /// Takes a failed write off the end of its segment before anybody is told that it failed, so that a crash now does not
    /// bring it back. If that fails, too, the next segment's beginning says where this one ends.
    /// </summary>
    public void TryCut(Segment segment, long end)
    {
        try
        {
            RandomAccess.SetLength(segment.File, end - segment.Base);
        }
        catch (IOException e)
        {
            _logger.WriteFailed(e, segment.Path);
        }
    }

    public Task WhenSealedAsync()
    {
        lock (_sealingGate) return _sealing;
    }

    /// <summary>Nobody needs the segment any more.</summary>
    public void Delete(Segment segment)
    {
        lock (_open) _open.Remove(segment);
        segment.File.Dispose();
        try
        {
            File.Delete(SegmentIndex.PathFor(segment.Path)); // first, for an index alone would say that a segment was lost
            File.Delete(segment.Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.DeleteFailed(e, segment.Path); // the next start tries again
        }
    }

    public void Dispose()
    {
        lock (_open)
        {
            foreach (var segment in _open) segment.File.Dispose();
        }

        _lock.Dispose();
    }

    private void CheckFormat()
    {
        using var reader = new StreamReader(_lock, leaveOpen: true);
        var format = reader.ReadToEnd();
        if (format == Format) return;
        if (Format.StartsWith(format, StringComparison.Ordinal)) // new, or begun and not finished
        {
            _lock.SetLength(0);
            _lock.Write(Encoding.UTF8.GetBytes(Format));
            _lock.Flush();
            return;
        }

        _lock.Dispose();
        throw new StreamStorageException($"The folder '{Path.GetFullPath(_options.Folder)}' holds a stream store of another format: '{format}', not '{Format}'.");
    }

    /// <summary>What a crash left of an index that was being written, or of a segment that was being deleted.</summary>
    private void DeleteLeftovers()
    {
        foreach (var path in Directory.EnumerateFiles(_options.Folder))
        {
            var isUnfinished = path.EndsWith(SegmentIndex.Extension + SegmentIndex.Unfinished, StringComparison.Ordinal);
            var isOrphan = path.EndsWith(SegmentIndex.Extension, StringComparison.Ordinal) && !File.Exists(Path.ChangeExtension(path, Segment.Extension));
            if (isUnfinished || isOrphan) File.Delete(path);
        }
    }

    private Segment Register(Segment segment)
    {
        lock (_open) _open.Add(segment);
        return segment;
    }
}
