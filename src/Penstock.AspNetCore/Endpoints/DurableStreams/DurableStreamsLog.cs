using Microsoft.Extensions.Logging;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

internal static partial class DurableStreamsLog
{
    [LoggerMessage(40, LogLevel.Error, "The store failed under {Path}.")]
    public static partial void StoreFailed(ILogger logger, string path, Exception exception);

    [LoggerMessage(41, LogLevel.Error, "{Path} cannot be read.")]
    public static partial void Damaged(ILogger logger, string path, Exception exception);

    [LoggerMessage(42, LogLevel.Error, "Subscription {Id} could not be woken.")]
    public static partial void WakeFailed(ILogger logger, string id, Exception exception);

    [LoggerMessage(43, LogLevel.Warning, "The webhook of subscription {Id} failed, {Failures} times in a row now; it will be tried again.")]
    public static partial void DeliveryFailed(ILogger logger, string id, int failures);

    [LoggerMessage(45, LogLevel.Warning, "Subscriptions could not be looked after; that is tried again.")]
    public static partial void NotSwept(ILogger logger, Exception exception);

    [LoggerMessage(44, LogLevel.Warning, "The wake stream of subscription {Id}, {Stream}, takes no wake: create it, and do not close it.")]
    public static partial void NoWakeStream(ILogger logger, string id, string stream);
}
