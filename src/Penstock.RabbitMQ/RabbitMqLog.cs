using Microsoft.Extensions.Logging;

namespace Penstock.RabbitMQ;

internal static partial class RabbitMqLog
{
    [LoggerMessage(40, LogLevel.Information, "Connected to RabbitMQ at {Host}:{Port} ({Name}).")]
    public static partial void Connected(ILogger logger, string name, string host, int port);

    [LoggerMessage(41, LogLevel.Warning, "RabbitMQ is away; no jobs are taken until it is back. {Reason}")]
    public static partial void Away(ILogger logger, string reason);

    [LoggerMessage(42, LogLevel.Warning, "Job {Id} was not confirmed; it is enqueued again. {Reason}")]
    public static partial void NotConfirmed(ILogger logger, string id, string reason);

    [LoggerMessage(43, LogLevel.Error, "A message on queue {Queue} is no job, and was dropped.")]
    public static partial void NoJob(ILogger logger, string queue);

    [LoggerMessage(44, LogLevel.Error, "Job {Id} failed unexpectedly and goes back to the queue.")]
    public static partial void JobFailed(ILogger logger, string id, Exception exception);
}
