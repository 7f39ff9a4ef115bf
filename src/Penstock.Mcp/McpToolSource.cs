using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Penstock.Generations.Tools;

namespace Penstock.Mcp;

/// <summary>The tools of one server of the Model Context Protocol. It is connected to when it is needed, and again once it was lost.</summary>
/// <param name="label">Its name in the configuration.</param>
/// <param name="options">Where it is, and what of it is used.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">The log.</param>
public sealed class McpToolSource(string label, McpServerOptions options, TimeProvider time, ILogger<McpToolSource> logger) : IToolSource, IAsyncDisposable
{
    // One that cannot be reached is not asked again for so long: every request would wait for it.
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _connecting = new(1);
    private readonly CancellationTokenSource _disposed = new();
    private volatile Connection? _connection;
    private DateTimeOffset _restsUntil;

    public string Label => label;

    public IReadOnlyList<string> Models => [.. options.Models];

    public async ValueTask<IReadOnlyList<ServerTool>> ListAsync(CancellationToken cancellationToken = default) => (await ConnectAsync(cancellationToken)).Tools;

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        if (Interlocked.Exchange(ref _connection, null) is { } last) await CloseAsync(last);
    }

    private async ValueTask<Connection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { IsLost: false, IsStale: false } connected) return connected;
        await _connecting.WaitAsync(cancellationToken);
        McpClient? begun = null;
        try
        {
            if (_connection is { IsLost: false } meanwhile) return meanwhile.IsStale ? await ListAgainAsync(meanwhile) : meanwhile;
            if (_restsUntil > time.GetUtcNow()) throw Unreachable();
            if (Interlocked.Exchange(ref _connection, null) is { } lost) _ = CloseAsync(lost);
            using var late = new CancellationTokenSource(options.ConnectTimeout, time);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _disposed.Token);
            var client = begun = await McpClient.CreateAsync(McpTransports.New(label, options, logger), cancellationToken: end.Token);
            var connection = new Connection(client);
            client.RegisterNotificationHandler(NotificationMethods.ToolListChangedNotification, (_, _) =>
            {
                connection.IsStale = true; // whoever comes next lists anew; calls go on
                return default;
            });
            await ListAsync(connection, end.Token);
            _connection = connection;
            _ = ForgetAsync(connection);
            McpLog.Connected(logger, label, connection.Tools.Count);
            return connection;
        }
        catch (Exception e) when (e is not ToolException)
        {
            _restsUntil = time.GetUtcNow() + _rest;
            McpLog.NotConnected(logger, label, e);
            if (begun is not null && _connection?.Client != begun) await begun.DisposeAsync(); // its program would run on
            throw Unreachable();
        }
        finally
        {
            _connecting.Release();
        }
    }

    private async Task<Connection> ListAgainAsync(Connection connection)
    {
        using var late = new CancellationTokenSource(options.ConnectTimeout, time);
        connection.IsStale = false;
        await ListAsync(connection, late.Token);
        return connection;
    }

    private async Task ListAsync(Connection connection, CancellationToken cancellationToken) =>
        connection.Tools = [.. (await connection.Client.ListToolsAsync(cancellationToken: cancellationToken)).Select(ToolOf).OfType<ServerTool>()];

    private static async Task CloseAsync(Connection connection)
    {
        try
        {
            await connection.Client.DisposeAsync();
        }
        catch (Exception e) when (e is IOException or HttpRequestException or SocketException or McpException or InvalidOperationException)
        {
            // It had gone.
        }
    }

    private static async Task ForgetAsync(Connection connection)
    {
        await connection.Client.Completion;
        connection.IsLost = true;
    }

    private ServerTool? ToolOf(McpClientTool tool)
    {
        if (options.Tools.Count > 0 && !options.Tools.Contains(tool.Name)) return null;
        return new ServerTool(tool.Name, (arguments, stop) => CallAsync(tool.Name, arguments, stop))
        {
            Description = tool.Description,
            Parameters = Encoding.UTF8.GetBytes(tool.JsonSchema.GetRawText()),
            Server = label,
            Timeout = options.Timeout,
            MaxResultLength = options.MaxResultLength,
            IsIdempotent = Names(options.Idempotent, tool.Name),
            NeedsApproval = Names(options.Approval, tool.Name),
        };
    }

    private static bool Names(IList<string> list, string name) => list.Contains("*") || list.Contains(name);

    private async ValueTask<ToolOutput> CallAsync(string tool, JsonElement arguments, CancellationToken stop)
    {
        var connection = await ConnectAsync(stop);
        try
        {
            var request = new CallToolRequestParams { Name = tool, Arguments = arguments.EnumerateObject().ToDictionary(m => m.Name, m => m.Value, StringComparer.Ordinal) };
            var result = await McpCall.RunAsync(connection.Client, request, time, stop);
            return new ToolOutput(McpResults.Text(result), result.IsError is true);
        }
        catch (McpProtocolException e)
        {
            // Its words may be anybody's.
            McpLog.Refused(logger, label, tool, e.ErrorCode);
            throw new ToolException(e.ErrorCode is McpErrorCode.InvalidParams
                ? "The tool's server did not take the call: the tool or its arguments are not what it knows."
                : "The tool's server failed.");
        }
        catch (Exception e) when (!stop.IsCancellationRequested && e is IOException or HttpRequestException or SocketException or McpException or InvalidOperationException or OperationCanceledException)
        {
            connection.IsLost = true;
            McpLog.Lost(logger, label, e);
            throw new ToolException("The tool's server was lost during the call; whether it has had its effect is not known.");
        }
    }

    private ToolException Unreachable() => new($"The tools of '{label}' cannot be had: their server does not answer. Try again shortly.");

    private sealed class Connection(McpClient client)
    {
        public McpClient Client => client;

        public IReadOnlyList<ServerTool> Tools { get; set; } = [];

        /// <summary>It is of no use any more.</summary>
        public volatile bool IsLost;

        /// <summary>The server has other tools by now.</summary>
        public volatile bool IsStale;
    }
}
