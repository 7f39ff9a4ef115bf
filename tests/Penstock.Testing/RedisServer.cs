using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Penstock.Testing;

/// <summary>A real Redis on a free port, with a folder that outlives its restarts. What it acknowledged survives <c>kill -9</c>.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private const int Cont = 18, Stop = 19;

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-redis-").FullName;
    private readonly string? _password;
    private Process? _process;
    private int _lastDatabase;

    private RedisServer(string? password) => _password = password;

    public int Port { get; } = Ports.Free();

    /// <summary>A connection string to a database that no other test has.</summary>
    /// <param name="port">A relay's, or null for the server's own.</param>
    public string NewDatabase(int? port = null) =>
        $"127.0.0.1:{port ?? Port},defaultDatabase={Interlocked.Increment(ref _lastDatabase)}{(_password is null ? "" : $",password={_password}")}";

    public static async Task<RedisServer> StartAsync(string? password = null)
    {
        var server = new RedisServer(password);
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts it, again if it was killed, and waits until it answers.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("redis-server") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        string[] arguments = ["--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder, "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--databases", "1000", "--loglevel", "warning"];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        if (_password is not null)
        {
            start.ArgumentList.Add("--requirepass");
            start.ArgumentList.Add(_password);
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        await Eventually.Is(
            async () =>
            {
                if (_process.HasExited) throw new InvalidOperationException($"redis-server exited with {_process.ExitCode}: {await _process.StandardError.ReadToEndAsync()}");
                return (await TryAskAsync("PING"))?.Contains("PONG", StringComparison.Ordinal) == true;
            },
            "redis-server answers");
    }

    /// <summary>Kills it with no chance to tidy up.</summary>
    public async Task Kill9()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>It stands still, connections and all, until <see cref="Thaw"/>.</summary>
    public void Freeze() => _ = kill(_process!.Id, Stop);

    public void Thaw() => _ = kill(_process!.Id, Cont);

    /// <summary>Sends one command, words without spaces, and returns the raw reply.</summary>
    public async Task<string> AskAsync(string command) => await TryAskAsync(command) ?? throw new IOException("redis-server does not answer.");

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await Kill9();
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<string?> TryAskAsync(string command)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            var login = _password is null ? "" : $"AUTH {_password}\r\n";
            await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"{login}{command}\r\nQUIT\r\n"));
            using var reader = new StreamReader(client.GetStream());
            return await reader.ReadToEndAsync();
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return null;
        }
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);
}
