using Microsoft.Extensions.Logging;
using ModelContextProtocol.Client;

namespace Penstock.Mcp;

/// <summary>Ways to a server: a program of its own, or streamable HTTP.</summary>
internal static class McpTransports
{
    public static IClientTransport New(string label, McpServerOptions options, ILogger logger) => options.Url is { } url ? Http(label, url, options) : Program(label, options, logger);

    // Our environment holds our keys; the program gets none of it but what any needs to start.
    private static StdioClientTransport Program(string label, McpServerOptions options, ILogger logger)
    {
        var environment = StdioClientTransportOptions.GetDefaultEnvironmentVariables();
        foreach (var (name, value) in options.Env) environment[name] = value;
        return new StdioClientTransport(new StdioClientTransportOptions
        {
            Name = label,
            Command = options.Command!,
            Arguments = [.. options.Args],
            InheritEnvironmentVariables = false,
            EnvironmentVariables = environment,
            StandardErrorLines = line => McpLog.Says(logger, label, line),
        });
    }

    // No cookies, and no redirects, which would take the credential along.
    private static HttpClientTransport Http(string label, string url, McpServerOptions options)
    {
        var handler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null, ConnectTimeout = options.ConnectTimeout };
        var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        var transport = new HttpClientTransportOptions
        {
            Name = label,
            Endpoint = new Uri(url),
            TransportMode = HttpTransportMode.StreamableHttp,
            ConnectionTimeout = options.ConnectTimeout,
            AdditionalHeaders = new Dictionary<string, string>(options.Headers, StringComparer.OrdinalIgnoreCase),
        };
        return new HttpClientTransport(transport, http, ownsHttpClient: true);
    }
}
