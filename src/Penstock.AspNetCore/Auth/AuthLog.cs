using Microsoft.Extensions.Logging;

namespace Penstock.AspNetCore.Auth;

internal static partial class AuthLog
{
    [LoggerMessage(60, LogLevel.Error, "The keys in {Path} have changed and cannot be read; those of before still count. {Reason}")]
    public static partial void KeyFileUnreadable(ILogger logger, string path, string reason);

    [LoggerMessage(61, LogLevel.Error, "The keys of the issuer {Issuer} cannot be had: {Reason}")]
    public static partial void IssuerFailed(ILogger logger, string issuer, string reason);

    [LoggerMessage(63, LogLevel.Debug, "A token was refused: {Reason}")]
    public static partial void TokenRefused(ILogger logger, string reason);

    [LoggerMessage(62, LogLevel.Warning, "Anybody who reaches this server may use it, wherever it listens: Penstock:Auth:Open is true.")]
    public static partial void Open(ILogger logger);
}
