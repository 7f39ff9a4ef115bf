using Microsoft.Extensions.Logging;
using Penstock.Protocols;

namespace Penstock.Generations;

internal static partial class GenerationLog
{
    [LoggerMessage(10, LogLevel.Error, "The store failed under generation {Id}; it ends as failed.")]
    public static partial void StoreFailed(ILogger logger, string id, Exception exception);

    [LoggerMessage(11, LogLevel.Error, "Generation {Id} failed unexpectedly.")]
    public static partial void Crashed(ILogger logger, string id, Exception exception);

    [LoggerMessage(12, LogLevel.Warning, "Generation {Id} no longer owns its stream; somebody else writes its ending.")]
    public static partial void Fenced(ILogger logger, string id, Exception exception);

    [LoggerMessage(13, LogLevel.Error, "The ending of generation {Id} could not be stored; the next start ends it as interrupted.")]
    public static partial void EndingLost(ILogger logger, string id, Exception exception);

    [LoggerMessage(14, LogLevel.Warning, "{Count} generations were cut by the last shutdown or crash: {Ended} ended as interrupted with their text kept, {GoOn} go on.")]
    public static partial void Recovered(ILogger logger, int count, int ended, int goOn);

    [LoggerMessage(19, LogLevel.Warning, "Generation {Id}: the provider failed before it said anything ({Code}); {Target} is asked in {Pause}.")]
    public static partial void TriesAgain(ILogger logger, string id, string code, string target, TimeSpan pause);

    [LoggerMessage(28, LogLevel.Warning, "Generation {Id}: the answer broke off ({Code}); {Target} goes on with it in {Pause}.")]
    public static partial void GoesOnWith(ILogger logger, string id, string code, string target, TimeSpan pause);

    [LoggerMessage(20, LogLevel.Warning, "Generation {Id} failed: {Code}.")]
    public static partial void Failed(ILogger logger, string id, string code);

    [LoggerMessage(22, LogLevel.Warning, "Generation {Id} was ended by the filter {Filter}.")]
    public static partial void Filtered(ILogger logger, string id, string filter);

    [LoggerMessage(21, LogLevel.Debug, "Generation {Id} ended as {Status}: {Input} tokens in, {Output} out, by {Source}.")]
    public static partial void Ended(ILogger logger, string id, EventKind status, long? input, long? output, UsageSource? source);

    [LoggerMessage(18, LogLevel.Warning, "Generation {Id} was cut by the last crash; attempt {Attempt} begins.")]
    public static partial void GoesOn(ILogger logger, string id, int attempt);

    [LoggerMessage(15, LogLevel.Error, "Generation {Id} could not be ended after a restart.")]
    public static partial void RecoveryFailed(ILogger logger, string id, Exception exception);

    [LoggerMessage(17, LogLevel.Error, "The stream of generation {Id} cannot be read; it is left as it is.")]
    public static partial void Unreadable(ILogger logger, string id);

    [LoggerMessage(16, LogLevel.Information, "{Count} generations are still running; waiting up to {Timeout} for them to end.")]
    public static partial void Draining(ILogger logger, int count, TimeSpan timeout);

    [LoggerMessage(20, LogLevel.Warning, "The store cannot take or give generation {Id}; its job waits {Pause}. {Reason}")]
    public static partial void StoreAway(ILogger logger, string id, TimeSpan pause, string reason);

    [LoggerMessage(21, LogLevel.Information, "Generation {Id} is handed over to another worker.")]
    public static partial void HandedOver(ILogger logger, string id);

    [LoggerMessage(23, LogLevel.Warning, "Whether anybody watches what runs here could not be found out; it is looked again.")]
    public static partial void WatchUnknown(ILogger logger, Exception exception);

    [LoggerMessage(24, LogLevel.Warning, "Generation {Id} could not be stopped, though nobody watches it any more.")]
    public static partial void NotStopped(ILogger logger, string id, Exception exception);

    [LoggerMessage(25, LogLevel.Warning, "Generation {Id} was accepted and never taken; it is enqueued again.")]
    public static partial void EnqueuedAgain(ILogger logger, string id);

    [LoggerMessage(26, LogLevel.Error, "The queue did not take generation {Id}; its client is told to come back.")]
    public static partial void NotEnqueued(ILogger logger, string id, Exception exception);

    [LoggerMessage(27, LogLevel.Warning, "What was accepted and never enqueued could not be looked for; it is tried again.")]
    public static partial void NotSwept(ILogger logger, Exception exception);

    [LoggerMessage(28, LogLevel.Error, "What was stored of generation {Id} before its start failed could not be removed; it is tried again every {Pause}.")]
    public static partial void NotWithdrawn(ILogger logger, string id, TimeSpan pause, Exception exception);
}
