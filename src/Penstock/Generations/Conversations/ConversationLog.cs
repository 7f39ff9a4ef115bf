using Microsoft.Extensions.Logging;

namespace Penstock.Generations.Conversations;

internal static partial class ConversationLog
{
    [LoggerMessage(1, LogLevel.Warning, "What was answered could not be put into conversation {Id}; whoever comes to it next does it.")]
    public static partial void NotSettled(ILogger logger, string id, Exception exception);
}
