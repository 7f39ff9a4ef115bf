using System.Globalization;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Streams;

/// <summary>Where Penstock keeps what was appended before it is acknowledged.</summary>
enum Kept
{
    InMemory,

    /// <summary>With the operating system, as by default.</summary>
    OnDisk,

    Synced,
}

/// <summary>A server of Durable Streams that is running, on the gateway's core: Penstock, or the protocol's reference server.</summary>
sealed class StreamsServer : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("penstock-bench-").FullName;

    StreamsServer(string name) => Name = name;

    public string Name { get; }

    public int Port { get; private set; }

    ChildProcess Process { get; set; } = null!;

    public static async Task<StreamsServer> StartPenstockAsync(Kept kept, CancellationToken cancellation)
    {
        var server = new StreamsServer("penstock") { Port = Ports.Free() };
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Penstock__Storage__Kind"] = kept == Kept.InMemory ? "memory" : "disk",
            ["Penstock__Storage__Path"] = Path.Combine(server._folder, "data"),
            ["Penstock__Storage__Commit"] = kept == Kept.Synced ? "power" : "process",
            ["Penstock__Storage__MaxStreamBytes"] = (1L << 30).ToString(CultureInfo.InvariantCulture),
        };
        server.Process = new ChildProcess(Cores.Pin(Cores.Gateway, "dotnet", Builds.AssemblyOf("Penstock.Server"), "--urls", $"http://127.0.0.1:{server.Port}"), server._folder, environment);
        server.Process.KeepOutput();
        await server.Process.WaitUntilReadyAsync(server.Port, cancellation);
        return server;
    }

    /// <summary>The reference server, with its files, which it syncs, or in memory.</summary>
    public static async Task<StreamsServer> StartReferenceAsync(bool onDisk, CancellationToken cancellation)
    {
        var server = new StreamsServer("reference");
        string[] command = ["node", Path.Combine(await InstallAsync(cancellation), "server.mjs"), .. onDisk ? [Path.Combine(server._folder, "data")] : (string[])[]];
        server.Process = new ChildProcess(Cores.Pin(Cores.Gateway, command), server._folder);
        var line = await server.Process.Output.ReadLineAsync(cancellation);
        server.Port = line is null ? throw new InvalidOperationException($"The reference server did not start:\n{server.Process.LastLines}") : int.Parse(line, CultureInfo.InvariantCulture);
        return server;
    }

    public void Dispose()
    {
        Process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Installs it from its lock file, the first time.</summary>
    static async Task<string> InstallAsync(CancellationToken cancellation)
    {
        var folder = Path.Combine(Builds.Root, "bench", "streams-reference");
        if (Directory.Exists(Path.Combine(folder, "node_modules", "@durable-streams", "server"))) return folder;
        await Console.Error.WriteLineAsync("  npm ci in bench/streams-reference");
        using var npm = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("npm", ["ci", "--silent"]) { WorkingDirectory = folder })!;
        await npm.WaitForExitAsync(cancellation);
        return npm.ExitCode == 0 ? folder : throw new InvalidOperationException("npm ci failed: Node.js 20 or later is needed for the reference server.");
    }
}
