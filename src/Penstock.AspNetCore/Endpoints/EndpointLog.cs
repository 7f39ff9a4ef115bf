using Microsoft.Extensions.Logging;

namespace Penstock.AspNetCore.Endpoints;

internal static partial class EndpointLog
{
    [LoggerMessage(30, LogLevel.Error, "The request to {Path} failed unexpectedly.")]
    public static partial void Failed(ILogger logger, string path, Exception exception);

    [LoggerMessage(31, LogLevel.Warning, "The request to {Path} could not be served: {Reason}")]
    public static partial void Unreachable(ILogger logger, string path, string reason);
}
