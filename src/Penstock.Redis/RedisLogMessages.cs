using Microsoft.Extensions.Logging;

namespace Penstock.Redis;

internal static partial class RedisLogMessages
{
    [LoggerMessage(60, LogLevel.Warning, "Redis at {Endpoint} has gone ({Reason}). What is generated waits for it up to {Outage}.")]
    public static partial void Gone(this ILogger logger, string endpoint, string reason, TimeSpan outage);

    [LoggerMessage(61, LogLevel.Information, "Redis at {Endpoint} answers again.")]
    public static partial void Back(this ILogger logger, string endpoint);

    [LoggerMessage(64, LogLevel.Error, "Redis at {Endpoint} is full (maxmemory) and takes no more. Generations end as storage_full until there is room: give it more memory, or shorten Storage:Retention.")]
    public static partial void Full(this ILogger logger, string endpoint);

    [LoggerMessage(65, LogLevel.Information, "Redis at {Endpoint} has room again.")]
    public static partial void HasRoom(this ILogger logger, string endpoint);

    [LoggerMessage(62, LogLevel.Error, "Redis holds less of stream {Path} than it did: {Next} events of {Known}. It has lost what it had acknowledged; its readers are ended.")]
    public static partial void LostEvents(this ILogger logger, string path, long next, long known);

    [LoggerMessage(63, LogLevel.Warning, "The index of streams in Redis could not be swept; it is tried again.")]
    public static partial void SweepFailed(this ILogger logger, Exception exception);
}
