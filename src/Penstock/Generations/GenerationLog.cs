using Microsoft.Extensions.Logging;

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

    [LoggerMessage(18, LogLevel.Warning, "Generation {Id} was cut by the last crash; attempt {Attempt} begins.")]
    public static partial void GoesOn(ILogger logger, string id, int attempt);

    [LoggerMessage(15, LogLevel.Error, "Generation {Id} could not be ended after a restart.")]
    public static partial void RecoveryFailed(ILogger logger, string id, Exception exception);

    [LoggerMessage(17, LogLevel.Error, "The stream of generation {Id} cannot be read; it is left as it is.")]
    public static partial void Unreadable(ILogger logger, string id);

    [LoggerMessage(16, LogLevel.Information, "{Count} generations are still running; waiting up to {Timeout} for them to end.")]
    public static partial void Draining(ILogger logger, int count, TimeSpan timeout);
}
