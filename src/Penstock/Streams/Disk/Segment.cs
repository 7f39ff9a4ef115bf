using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Penstock.Streams.Disk;

/// <summary>
/// One file of the log: the records from position <see cref="Base"/> on. Its name holds that position and a random salt
/// that goes into every record's checksum. It lives as long as somebody holds it.
/// </summary>
internal sealed class Segment
{
    public const string Extension = ".log";

    private readonly SegmentFolder _folder;
    private readonly List<Segment> _outlivers = []; // guarded by itself
    private int _holds = 1;
    private bool _isDeleted;

    public Segment(SegmentFolder folder, string path, long basePosition, uint salt, SafeFileHandle file, long capacity, int reserve)
    {
        _folder = folder;
        Path = path;
        Base = basePosition;
        Salt = salt;
        File = file;
        HardLimit = basePosition + capacity;
        OrdinaryLimit = HardLimit - reserve;
    }

    public string Path { get; }

    public long Base { get; }

    public uint Salt { get; }

    public SafeFileHandle File { get; }

    /// <summary>Where ordinary records must end. What lies behind is kept for closing streams once the disk is full.</summary>
    public long OrdinaryLimit { get; }

    public long HardLimit { get; }

    /// <summary>Where the records end, once it takes no more.</summary>
    public long End { get; set; }

    /// <summary>No record in it is younger, once it takes no more.</summary>
    public DateTimeOffset WrittenUntil { get; set; } = DateTimeOffset.MaxValue;

    /// <summary>How many bytes it takes on the disk, or may take.</summary>
    public long Size => (End > 0 ? End : HardLimit) - Base;

    /// <summary>The streams that have records in it, until their extents are in the index. Used by one thread at a time: who commits, then who seals.</summary>
    public List<DiskStream> Streams { get; private set; } = [];

    /// <summary>Set once it is sealed.</summary>
    public SegmentIndex? Index { get; private set; }

    public static string NameOf(long basePosition, uint salt) => string.Create(CultureInfo.InvariantCulture, $"{basePosition:D19}-{salt:x8}{Extension}");

    public static bool TryParseName(string path, out long basePosition, out uint salt)
    {
        var name = System.IO.Path.GetFileNameWithoutExtension(path.AsSpan());
        salt = 0;
        return long.TryParse(name[..Math.Min(19, name.Length)], NumberStyles.None, CultureInfo.InvariantCulture, out basePosition)
            && name.Length == 28
            && uint.TryParse(name[20..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out salt);
    }

    public void BecomeSealed(SegmentIndex index)
    {
        Index = index;
        Streams = [];
    }

    public bool IsDeleted
    {
        get
        {
            lock (_outlivers) return _isDeleted;
        }
    }

    public void Hold() => Interlocked.Increment(ref _holds);

    /// <summary>Lets go; the last one to do so deletes the files.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holds) > 0) return;
        _folder.Delete(this);
        lock (_outlivers) _isDeleted = true;
        foreach (var segment in _outlivers) segment.Release();
    }

    /// <summary>
    /// Lets go of <paramref name="ending"/>, but not before this segment is deleted: it says that a stream has ended which
    /// was created here, and without it the stream would rise again at the next start.
    /// </summary>
    public void ReleaseAfterThis(Segment ending)
    {
        lock (_outlivers)
        {
            if (!_isDeleted)
            {
                _outlivers.Add(ending);
                return;
            }
        }

        ending.Release();
    }
}
