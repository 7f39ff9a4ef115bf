using Microsoft.Extensions.Logging;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

internal static partial class DurableStreamsLog
{
    [LoggerMessage(40, LogLevel.Error, "The store failed under {Path}.")]
    public static partial void StoreFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(41, LogLevel.Error, "{Path} cannot be read.")]
    public static partial void Damaged(ILogger logger, string path, Exception exception);
}
