using Microsoft.Extensions.Logging;

namespace Penstock.Providers;

internal static partial class ProviderLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Target} answered with status {Status}.")]
    public static partial void Refused(ILogger logger, string target, int status);

    [LoggerMessage(2, LogLevel.Warning, "{Target} was silent for longer than its timeout; the call was given up.")]
    public static partial void Silent(ILogger logger, string target);

    [LoggerMessage(3, LogLevel.Warning, "The connection to {Target} broke.")]
    public static partial void Broken(ILogger logger, string target, Exception exception);

    // The exception itself stays out of the log: a JSON reader's quotes what the provider sent.
    [LoggerMessage(4, LogLevel.Warning, "{Target} sent something that its protocol does not allow: {Reason}")]
    public static partial void Malformed(ILogger logger, string target, string reason);
}
