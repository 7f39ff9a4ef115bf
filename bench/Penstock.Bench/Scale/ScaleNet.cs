using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Scale;

/// <summary>Two gateways, some workers, Redis and RabbitMQ, as <c>deploy/local</c> starts them.</summary>
sealed partial class ScaleNet : IDisposable
{
    static readonly string _script = Path.Combine(Builds.Root, "deploy", "local");

    readonly string _folder = Directory.CreateTempSubdirectory("penstock-scale-").FullName;
    readonly ChildProcess _local;
    readonly List<(string Name, int Port, Process Process)> _parts = [];

    ScaleNet(int workers, bool onOneCore, IReadOnlyDictionary<string, int> upstreams)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["Logging__LogLevel__Default"] = "Warning" };
        foreach (var (name, port) in upstreams)
        {
            environment[$"Penstock__Providers__{name}__Protocol"] = "chat-completions";
            environment[$"Penstock__Providers__{name}__BaseUrl"] = $"http://127.0.0.1:{port}/v1";
            environment[$"Penstock__Providers__{name}__ApiKey"] = "bench";
        }

        string[] command = [_script, "--no-build", "--proxy", "none", "--workers", workers.ToString(CultureInfo.InvariantCulture), "--folder", _folder];
        _local = new ChildProcess(onOneCore ? Cores.Pin(Cores.Gateway, command) : command, Builds.Root, environment);
    }

    /// <summary>Where a part listens, by its name: <c>gateway-1</c>, <c>redis</c>.</summary>
    public int Port(string name) => _parts.Single(p => p.Name == name).Port;

    /// <summary>The processor time of all parts of a kind so far: <c>gateway</c>, <c>worker</c>, <c>redis</c>, <c>rabbitmq</c>.</summary>
    public double CpuSeconds(string kind)
    {
        var sum = 0.0;
        foreach (var part in _parts.Where(p => p.Name.Split('-')[0] == kind))
        {
            part.Process.Refresh();
            sum += part.Process.TotalProcessorTime.TotalSeconds;
        }

        return sum;
    }

    /// <param name="workers">How many workers.</param>
    /// <param name="onOneCore">Whether all of it has the gateway's core and no other.</param>
    /// <param name="upstreams">The ports of the providers, by their names.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static async Task<ScaleNet> StartAsync(int workers, bool onOneCore, IReadOnlyDictionary<string, int> upstreams, CancellationToken cancellation)
    {
        var net = new ScaleNet(workers, onOneCore, upstreams);
        try
        {
            while (await net._local.Output.ReadLineAsync(cancellation) is { } line && !line.StartsWith("Ctrl-C", StringComparison.Ordinal))
            {
                if (Part().Match(line) is { Success: true, Groups: var found })
                    net._parts.Add((found["name"].Value, Number(found["port"]), Process.GetProcessById(Number(found["id"]))));
            }

            return net._parts.Count > 0 ? net : throw new InvalidOperationException($"deploy/local failed:\n{net._local.LastLines}");
        }
        catch
        {
            net.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        using (var down = Process.Start(new ProcessStartInfo(_script, ["down", "--folder", _folder]) { RedirectStandardError = true, UseShellExecute = false })!)
            down.WaitForExit(TimeSpan.FromSeconds(30));
        _local.Dispose();
        foreach (var part in _parts) part.Process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    // "  gateway-1    http://127.0.0.1:13513       process 21698"
    [GeneratedRegex(@"^  (?<name>\S+) +(http://)?127\.0\.0\.1:(?<port>\d+) +process (?<id>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Part();
}
