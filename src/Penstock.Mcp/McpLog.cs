using Microsoft.Extensions.Logging;
using ModelContextProtocol;

namespace Penstock.Mcp;

/// <summary>What the log says of servers: never arguments or results.</summary>
internal static partial class McpLog
{
    [LoggerMessage(1, LogLevel.Information, "The MCP server {Label} is connected, with {Count} tools to offer.")]
    public static partial void Connected(ILogger logger, string label, int count);

    [LoggerMessage(2, LogLevel.Warning, "The MCP server {Label} cannot be connected to.")]
    public static partial void NotConnected(ILogger logger, string label, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "The MCP server {Label} was lost; the next call connects again.")]
    public static partial void Lost(ILogger logger, string label, Exception exception);

    [LoggerMessage(4, LogLevel.Warning, "The MCP server {Label} did not take a call of {Tool}: {Code}.")]
    public static partial void Refused(ILogger logger, string label, string tool, McpErrorCode code);

    [LoggerMessage(5, LogLevel.Debug, "{Label} says: {Line}")]
    public static partial void Says(ILogger logger, string label, string line);
}
