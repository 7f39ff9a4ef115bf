using Microsoft.Extensions.Logging;

namespace Penstock.Limits;

internal static partial class LimitLog
{
    [LoggerMessage(80, LogLevel.Error, "What {Account} has spent could not be written down; after a restart it would be less.")]
    public static partial void NotKept(ILogger logger, string account, Exception exception);

    [LoggerMessage(81, LogLevel.Debug, "A request on {Account} was refused: {Limit}.")]
    public static partial void Refused(ILogger logger, string account, LimitKind limit);

    [LoggerMessage(82, LogLevel.Information, "Generation {Id} was ended by a limit: {Reason}.")]
    public static partial void Cut(ILogger logger, string id, string reason);

    [LoggerMessage(83, LogLevel.Warning, "What generation {Id} has used could not be counted.")]
    public static partial void NotCounted(ILogger logger, string id, Exception exception);
}
