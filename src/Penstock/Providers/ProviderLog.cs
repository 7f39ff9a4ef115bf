using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Penstock.Providers;

/// <summary>What is logged of calls to providers. No exception goes in whole: its message names the host, or quotes what the provider sent.</summary>
internal static partial class ProviderLog
{
    [LoggerMessage(1, LogLevel.Warning, "Generation {Id}: {Target} answered with status {Status}.")]
    public static partial void Refused(ILogger logger, string id, string target, int status);

    [LoggerMessage(2, LogLevel.Warning, "Generation {Id}: {Target} was silent, or took in all, longer than its timeout; the call was given up.")]
    public static partial void Silent(ILogger logger, string id, string target);

    [LoggerMessage(3, LogLevel.Warning, "Generation {Id}: the connection to {Target} broke: {Reason}.")]
    public static partial void Broken(ILogger logger, string id, string target, string reason);

    [LoggerMessage(4, LogLevel.Warning, "Generation {Id}: {Target} sent something that its protocol does not allow: {Reason}")]
    public static partial void Malformed(ILogger logger, string id, string target, string reason);

    /// <summary>Why a connection broke, in the platform's words for kinds of failures.</summary>
    public static string ReasonOf(Exception exception)
    {
        var words = new List<string>();
        for (var e = exception; e is not null; e = e.InnerException)
        {
            var word = e switch
            {
                HttpRequestException http => http.HttpRequestError.ToString(),
                HttpIOException http => http.HttpRequestError.ToString(),
                SocketException socket => socket.SocketErrorCode.ToString(),
                OperationCanceledException => "no connection in time",
                _ => e.GetType().Name,
            };
            if (!words.Contains(word, StringComparer.Ordinal)) words.Add(word);
        }

        return string.Join(", ", words);
    }
}
