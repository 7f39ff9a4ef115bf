using Microsoft.Extensions.Logging;

namespace Penstock.Generations.Summaries;

internal static partial class SummaryLog
{
    [LoggerMessage(1, LogLevel.Warning, "The older part of a conversation could not be summed up for {Generation} by {Model} ({Code}); the oldest of it is left out without a summary.")]
    public static partial void Failed(ILogger logger, string generation, string model, string code);

    [LoggerMessage(2, LogLevel.Warning, "A summary made for {Generation} could not be kept: the next turn makes it anew.")]
    public static partial void NotKept(ILogger logger, string generation, Exception exception);
}
