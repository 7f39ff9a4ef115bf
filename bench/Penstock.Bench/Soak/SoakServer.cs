using System.Globalization;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Soak;

/// <summary>The server under the soak: the Release build, with its disk log and a short retention.</summary>
sealed class SoakServer : IDisposable
{
    readonly string _root = Directory.CreateTempSubdirectory("penstock-soak-").FullName;

    SoakServer(int upstreamPort, TimeSpan retention)
    {
        Folder = Path.Combine(_root, "data");
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Penstock__Providers__up__Protocol"] = "chat-completions",
            ["Penstock__Providers__up__BaseUrl"] = $"http://127.0.0.1:{upstreamPort}/v1",
            ["Penstock__Providers__up__ApiKey"] = "soak",
            ["Penstock__Storage__Kind"] = "disk",
            ["Penstock__Storage__Path"] = Folder,
            ["Penstock__Storage__Retention"] = retention.ToString("c", CultureInfo.InvariantCulture),
            ["Penstock__Generations__Grace"] = "00:00:01",
            ["Logging__LogLevel__Default"] = "Warning",
        };
        Process = new ChildProcess(["dotnet", Builds.AssemblyOf("Penstock.Server"), "--urls", $"http://127.0.0.1:{Port}"], _root, environment);
        Process.KeepOutput();
    }

    public int Port { get; } = Ports.Free();

    public string Folder { get; }

    public ChildProcess Process { get; }

    public static async Task<SoakServer> StartAsync(int upstreamPort, TimeSpan retention, CancellationToken cancellation)
    {
        var server = new SoakServer(upstreamPort, retention);
        await server.Process.WaitUntilReadyAsync(server.Port, cancellation);
        return server;
    }

    public void Dispose()
    {
        Process.Dispose();
        Directory.Delete(_root, recursive: true);
    }
}
