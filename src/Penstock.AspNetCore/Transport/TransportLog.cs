using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Penstock.AspNetCore.Transport;

internal static partial class TransportLog
{
    [LoggerMessage(1, LogLevel.Warning, "A client could not be accepted: {Error}. It is tried again shortly; the process may need a higher limit of open files.")]
    public static partial void NoRoom(ILogger logger, SocketError error);

    [LoggerMessage(2, LogLevel.Error, "What was to be told that the connection {ConnectionId} has closed failed.")]
    public static partial void ClosingFailed(ILogger logger, string connectionId, Exception exception);
}
