using System.Diagnostics;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>A server whose models may use the tools of real MCP servers: the reference server over both transports, and one in C#.</summary>
public sealed class McpServers : IAsyncLifetime
{
    private static readonly string _everything = Path.Combine(Repository.Root, "tests", "node", "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js");

    private readonly string _notes = Path.GetTempFileName();
    private Process? _http;
    private Process? _waits;

    public PenstockProcess Server { get; private set; } = null!;

    private static IReadOnlyList<string> CSharp(string notes) =>
        [Path.Combine(Repository.Root, "artifacts", "bin", "Penstock.Testing.McpServer", Path.GetFileName(Path.GetDirectoryName(typeof(McpServers).Assembly.Location))!, "Penstock.Testing.McpServer.dll"), notes];

    /// <summary>Has a server use the C# server under its label <c>csharp</c>.</summary>
    public static PenstockSettings AddCSharp(PenstockSettings settings, string notes)
    {
        settings["Providers:simulated:Protocol"] = "simulated";
        settings["Mcp:Servers:csharp:Command"] = "dotnet";
        settings["Mcp:Servers:csharp:ConnectTimeout"] = "00:02:00"; // on a busy machine a runtime takes its time to start
        var place = 0;
        foreach (var argument in CSharp(notes)) settings[$"Mcp:Servers:csharp:Args:{place++}"] = argument;
        return settings;
    }

    public async ValueTask InitializeAsync()
    {
        var (port, other) = (Ports.Free(), Ports.Free());
        _http = StartNode(port, _everything, "streamableHttp");
        _waits = StartNode(other, Path.Combine(Repository.Root, "tests", "node", "mcp-waits.mjs"), _notes);
        // Before the server, which waits ever longer between its tries.
        foreach (var listens in (int[])[port, other]) await Eventually.Is(() => !Ports.IsFree(listens), "the MCP servers listen");
        var settings = PenstockSettings.For()
            .With("Providers:simulated:Protocol", "simulated")
            .With("Providers:up:Protocol", "chat-completions").With("Providers:up:BaseUrl", "http://127.0.0.1:9/v1").With("Providers:up:ApiKey", PenstockSettings.ApiKey)
            .With("Mcp:Servers:everything:Command", "node").With("Mcp:Servers:everything:Args:0", _everything).With("Mcp:Servers:everything:Env:MINE", "its own")
            .With("Mcp:Servers:everything:Tools:0", "echo").With("Mcp:Servers:everything:Tools:1", "get-sum").With("Mcp:Servers:everything:Tools:2", "get-env")
            .With("Mcp:Servers:everything:Models:0", "tools").With("Models:tools:Targets:0", "simulated/chat?tps=0&ttft=0")
            .With("Mcp:Servers:everything-http:Url", $"http://127.0.0.1:{port}/mcp")
            .With("Mcp:Servers:waits:Url", $"http://127.0.0.1:{other}/mcp")
            .With("Mcp:Servers:csharp:MaxResultLength", "1000")
            .With("Mcp:Servers:gone:Command", "/nowhere/to/be/found")
            .WithVariable("Logging:LogLevel:Penstock.Mcp", "Information"); // which says who is connected
        Server = await PenstockProcess.StartAsync(AddCSharp(settings, _notes));
        foreach (var label in (string[])["everything-http", "everything", "csharp", "waits"])
            await Eventually.Is(() => Server.Log.Contains($"server {label} is connected", StringComparison.Ordinal), $"{label} is connected");
    }

    private static Process StartNode(int port, params string[] arguments)
    {
        var start = new ProcessStartInfo("node", arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["PORT"] = $"{port}";
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    /// <summary>What the tools of the C# server, and of the one that waits, noted.</summary>
    public string Notes() => File.ReadAllText(_notes);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        foreach (var process in (Process?[])[_http, _waits])
        {
            process?.Kill(entireProcessTree: true);
            process?.Dispose();
        }

        File.Delete(_notes);
    }
}
