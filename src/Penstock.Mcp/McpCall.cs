using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Penstock.Mcp;

/// <summary>
/// One call of a tool, of whose end its server is told when it is given up. The SDK would tell it, and does not come to it: over HTTP it
/// waits for the answer before it would listen for the end, and over standard output the end takes back the listener before it is called.
/// So the call has an id of ours, and the server is told by us.
/// https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/cancellation
/// </summary>
internal static class McpCall
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <exception cref="OperationCanceledException">It was given up, and the server was told.</exception>
    public static async Task<CallToolResult> RunAsync(McpClient client, CallToolRequestParams call, TimeProvider time, CancellationToken stop)
    {
        var request = new JsonRpcRequest
        {
            Id = new RequestId($"call-{Guid.NewGuid():N}"),
            Method = RequestMethods.ToolsCall,
            Params = JsonSerializer.SerializeToNode(call, TypeOf<CallToolRequestParams>()),
        };
        stop.ThrowIfCancellationRequested();
        using var end = new CancellationTokenSource();
        var running = client.SendRequestAsync(request, end.Token);
        try
        {
            var response = await running.WaitAsync(stop);
            return JsonSerializer.Deserialize(response.Result, TypeOf<CallToolResult>()) ?? throw new McpException("The result is null.");
        }
        finally
        {
            if (!running.IsCompleted) await EndAsync(client, request.Id, time);
            await end.CancelAsync(); // its connection goes, which is how a server without sessions is told
            _ = running.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private static async Task EndAsync(McpClient client, RequestId id, TimeProvider time)
    {
        using var late = new CancellationTokenSource(_patience, time);
        try
        {
            var notification = new CancelledNotificationParams { RequestId = id, Reason = "The answer was stopped, or the call took too long." };
            await client.SendNotificationAsync(NotificationMethods.CancelledNotification, notification, McpJsonUtilities.DefaultOptions, late.Token);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or SocketException or McpException or InvalidOperationException or OperationCanceledException)
        {
            // It has gone, or does not listen: what it then does is its own.
        }
    }

    private static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(T));
}
