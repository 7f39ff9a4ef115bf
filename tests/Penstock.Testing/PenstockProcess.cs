using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Penstock.Testing;

/// <summary>The built server as a process of its own, with a data folder that outlives its restarts.</summary>
public sealed class PenstockProcess : IAsyncDisposable
{
    private readonly PenstockSettings _settings;
    private readonly string? _folder;
    private readonly int? _maxFiles;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly string _listen;
    private Process? _process;

    private PenstockProcess(PenstockSettings settings, int port, string scheme = "http", string? listen = null, int? maxFiles = null)
    {
        _listen = listen ?? $"{scheme}://127.0.0.1:{port}/";
        _settings = settings;
        _maxFiles = maxFiles;
        _folder = settings.UseTemporaryFolder();
        Url = new Uri($"{scheme}://127.0.0.1:{port}/");
    }

    public Uri Url { get; }

    public Api Api => new(Url);

    public string DataFolder => _settings["Storage:Path"]!;

    /// <summary>All that the server has printed, over its restarts.</summary>
    public string Log => string.Join('\n', _log);

    /// <summary>Resident memory in bytes.</summary>
    public long Memory
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>How many files and sockets it has open.</summary>
    public int OpenFiles => Directory.GetFileSystemEntries($"/proc/{_process!.Id}/fd").Length;

    /// <summary>How much of the processors it has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process!.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <param name="settings">Its configuration.</param>
    /// <param name="port">Where it is reached; null for a free port.</param>
    /// <param name="listen">Where it listens, if that is more than loopback.</param>
    /// <param name="maxFiles">How many files and sockets it may have open; null for as many as the tests may.</param>
    public static async Task<PenstockProcess> StartAsync(PenstockSettings settings, int? port = null, string? listen = null, int? maxFiles = null)
    {
        var server = new PenstockProcess(settings, port ?? Ports.Free(), listen: listen, maxFiles: maxFiles);
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts the server again, on the same port and folder, and waits until it answers.</summary>
    public async Task StartAsync()
    {
        Launch();
        using var http = new HttpClient { BaseAddress = Url };
        await Eventually.Is(
            async () =>
            {
                if (_process!.HasExited) throw new InvalidOperationException($"The server exited with {_process.ExitCode}:\n{Log}");
                try
                {
                    return (await http.GetAsync("healthz")).IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the server answers /healthz");
    }

    /// <summary>Starts a server on the disk store unless set, without waiting for it to answer.</summary>
    public static PenstockProcess Launch(PenstockSettings settings, string scheme = "http", string? listen = null)
    {
        var server = new PenstockProcess(settings, Ports.Free(), scheme, listen);
        server.Launch();
        return server;
    }

    /// <summary>Starts the server again without waiting for it to answer.</summary>
    public void Launch()
    {
        var start = new ProcessStartInfo(_maxFiles is null ? "dotnet" : "prlimit")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = DataFolder,
        };
        if (_maxFiles is { } max)
        {
            start.ArgumentList.Add(string.Create(CultureInfo.InvariantCulture, $"--nofile={max}"));
            start.ArgumentList.Add("dotnet");
        }

        start.ArgumentList.Add(ServerDll());
        start.ArgumentList.Add("--urls");
        start.ArgumentList.Add(_listen);
        foreach (var key in start.Environment.Keys.Where(k => k.EndsWith("_API_KEY", StringComparison.Ordinal) || k == "OLLAMA_HOST").ToList())
            start.Environment.Remove(key);
        foreach (var (key, value) in _settings.Values) start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Print(line.Data);
        _process.ErrorDataReceived += (_, line) => Print(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Kills the process with no chance to tidy up.</summary>
    public async Task Kill9()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Stops the process from running, until <see cref="Thaw"/>; its connections stay open.</summary>
    public void Freeze() => _ = kill(_process!.Id, 19);

    public void Thaw() => _ = kill(_process!.Id, 18);

    /// <summary>Sends SIGTERM, and returns at once.</summary>
    public void Terminate() => _ = kill(_process!.Id, 15);

    /// <summary>Waits for the process to end, and returns its exit code.</summary>
    public async Task<int> ExitedAsync()
    {
        await Eventually.Completes(_process!.WaitForExitAsync(), "the server exits");
        return _process.ExitCode;
    }

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    public Task<int> Stop()
    {
        Terminate();
        return ExitedAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await Kill9();
        _process?.Dispose();
        if (_folder is not null) Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The server that was built with these tests: same artifacts folder, same configuration.</summary>
    public static string ServerDll()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var path = Path.Combine(output.Parent!.Parent!.FullName, "Penstock.Server", output.Name, "Penstock.Server.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException("Build Penstock.Server first.", path);
    }

    private void Print(string? line)
    {
        if (line is not null) _log.Enqueue(line);
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);
}
