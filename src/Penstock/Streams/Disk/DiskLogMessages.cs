using Microsoft.Extensions.Logging;

namespace Penstock.Streams.Disk;

internal static partial class DiskLogMessages
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Opened the stream store in {Folder}: {Streams} streams in {Segments} segments, {Milliseconds} ms.")]
    public static partial void Opened(this ILogger logger, string folder, int streams, int segments, long milliseconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Cut {Bytes} bytes of an unfinished write off the end of {File}, at {Position}.")]
    public static partial void CutTornTail(this ILogger logger, string file, long position, long bytes);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Bytes} bytes at {Position} of {File} are damaged. They are never served; stream {Stream} (0: not known) is affected.")]
    public static partial void FoundDamage(this ILogger logger, string file, long position, long bytes, long stream);

    [LoggerMessage(Level = LogLevel.Error, Message = "A record of stream {Stream} at {Position} of {File} does not fit what is before it and is left out.")]
    public static partial void LeftOutRecord(this ILogger logger, string file, long position, long stream);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The index of {File} is missing or damaged; reading the segment itself.")]
    public static partial void RebuildingIndex(this ILogger logger, string file);

    [LoggerMessage(Level = LogLevel.Error, Message = "Writing to {File} failed; the appends in it were refused and the segment takes no more.")]
    public static partial void WriteFailed(this ILogger logger, Exception exception, string file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} could not be indexed; its index stays in memory until the next start.")]
    public static partial void IndexFailed(this ILogger logger, Exception exception, string file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} is not needed any more but could not be deleted.")]
    public static partial void DeleteFailed(this ILogger logger, Exception exception, string file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What is not to be kept any longer could not be forgotten; it is tried again.")]
    public static partial void RetentionFailed(this ILogger logger, Exception exception);
}
