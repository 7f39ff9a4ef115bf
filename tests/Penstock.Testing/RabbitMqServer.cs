using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Penstock.Testing;

/// <summary>A RabbitMQ of the test's own on loopback, with a folder that outlives its restarts, and its own port mapper.</summary>
public sealed class RabbitMqServer : IAsyncDisposable
{
    private const string Program = "/usr/lib/rabbitmq/bin/rabbitmq-server"; // Debian's own wrapper insists on its user and folders

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-rabbitmq-").FullName;
    private readonly int _port = Ports.Free();
    private readonly int _distributionPort = Ports.Free();
    private readonly int _mapperPort = Ports.Free();
    private readonly ConcurrentQueue<string> _log = new();
    private Process? _mapper;
    private Process? _process;

    /// <summary>Its address, for its default user.</summary>
    public Uri Address => new($"amqp://guest:guest@127.0.0.1:{_port}");

    /// <summary>The same at a relay before it.</summary>
    public static Uri Behind(CuttingProxy proxy) => new($"amqp://guest:guest@127.0.0.1:{proxy.Url.Port}");

    /// <summary>All that it has printed, over its restarts.</summary>
    public string Log => string.Join('\n', _log);

    public static async Task<RabbitMqServer> StartAsync()
    {
        var server = new RabbitMqServer();
        await File.WriteAllTextAsync(server.In("plugins"), "[].");
        await server.RestartAsync();
        return server;
    }

    /// <summary>Starts it again after <see cref="StopAsync"/> or <see cref="Kill9"/>, on the same port and folder, and waits until it listens.</summary>
    public async Task RestartAsync()
    {
        _mapper ??= Process.Start(new ProcessStartInfo("epmd", ["-port", Text(_mapperPort), "-address", "127.0.0.1"]))!;
        var start = new ProcessStartInfo(Program) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        (string, string)[] environment =
        [
            ("HOME", _folder), ("RABBITMQ_NODENAME", $"penstock{_port}@localhost"), ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1"), ("RABBITMQ_NODE_PORT", Text(_port)),
            ("RABBITMQ_DIST_PORT", Text(_distributionPort)), ("ERL_EPMD_PORT", Text(_mapperPort)), ("ERL_EPMD_ADDRESS", "127.0.0.1"),
            ("RABBITMQ_MNESIA_BASE", In("data")), ("RABBITMQ_LOG_BASE", In("log")), ("RABBITMQ_LOGS", "-"), ("RABBITMQ_PID_FILE", In("pid")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", In("plugins")), ("RABBITMQ_CONFIG_FILE", In("none")),
            // A busy wait would take a core from what is tested.
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"),
        ];
        foreach (var (name, value) in environment) start.Environment[name] = value;
        File.Delete(In("pid"));
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Print(line.Data);
        _process.ErrorDataReceived += (_, line) => Print(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.Is(
            () => _process.HasExited ? throw new InvalidOperationException($"RabbitMQ exited with {_process.ExitCode}:\n{Log}") : !Ports.IsFree(_port),
            "RabbitMQ listens");
    }

    /// <summary>Ends it in good order.</summary>
    public Task StopAsync() => EndAsync(15);

    /// <summary>
    /// Kills it with no chance to tidy up. What was declared within its last second may be lost then: RabbitMQ 3.10 writes down
    /// with delay which quorum queues there are, and one that it forgot never finds a leader.
    /// </summary>
    public Task Kill9() => EndAsync(9);

    private async Task EndAsync(int signal)
    {
        Signal(signal);
        await _process!.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Stops it from running, until <see cref="Thaw"/>; its connections stay open.</summary>
    public void Freeze() => Signal(19);

    public void Thaw() => Signal(18);

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        if (_mapper is { HasExited: false })
        {
            _mapper.Kill();
            await _mapper.WaitForExitAsync();
        }

        _mapper?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // The program is a script, and what serves its child.
    private void Signal(int signal) => _ = kill(int.Parse(File.ReadAllText(In("pid")), CultureInfo.InvariantCulture), signal);

    private void Print(string? line)
    {
        if (line is not null) _log.Enqueue(line);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);
}
