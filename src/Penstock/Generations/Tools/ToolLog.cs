using Microsoft.Extensions.Logging;

namespace Penstock.Generations.Tools;

/// <summary>What the log says of tools: names, never arguments or results.</summary>
internal static partial class ToolLog
{
    [LoggerMessage(1, LogLevel.Warning, "The tools of {Server} are not offered: {Reason}")]
    public static partial void NotOffered(ILogger logger, string server, string reason);

    [LoggerMessage(2, LogLevel.Debug, "Generation {Id} runs {Tool} of {Server}.")]
    public static partial void Runs(ILogger logger, string id, string tool, string server);

    [LoggerMessage(3, LogLevel.Warning, "{Tool} of {Server} failed for generation {Id}.")]
    public static partial void Failed(ILogger logger, string id, string tool, string server, Exception exception);

    [LoggerMessage(4, LogLevel.Warning, "{Tool} of {Server} did not answer generation {Id} within {Timeout}.")]
    public static partial void TimedOut(ILogger logger, string id, string tool, string server, TimeSpan timeout);

    [LoggerMessage(5, LogLevel.Information, "Generation {Id} waits for a person to allow {Tool} of {Server}.")]
    public static partial void Waits(ILogger logger, string id, string tool, string server);

    [LoggerMessage(6, LogLevel.Information, "Generation {Id} has come to the limit of its {Limit}; the tools that it calls are not run.")]
    public static partial void Limit(ILogger logger, string id, string limit);
}
