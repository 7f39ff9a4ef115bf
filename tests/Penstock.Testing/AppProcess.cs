using System.Collections.Concurrent;
using System.Diagnostics;

namespace Penstock.Testing;

/// <summary>Any program that serves, as a process of its own at a free port, in an empty folder.</summary>
public sealed class AppProcess : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _log = new();
    private readonly string _program;
    private readonly string[] _arguments;
    private Process? _process;

    private AppProcess(string program, string[] arguments) => (_program, _arguments) = (program, arguments);

    public Uri Url { get; } = new($"http://127.0.0.1:{Ports.Free()}/");

    public Api Api => new(Url);

    public string Folder { get; } = Directory.CreateTempSubdirectory("penstock-test-").FullName;

    public string Log => string.Join('\n', _log);

    /// <summary>Starts it with <c>--urls</c> behind its arguments, and waits until it answers <c>/healthz</c>.</summary>
    public static async Task<AppProcess> StartAsync(string program, params string[] arguments)
    {
        var app = new AppProcess(program, arguments);
        await app.StartAsync();
        return app;
    }

    /// <summary>Starts it again, at the same port and in the same folder.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo(_program, [.. _arguments, "--urls", Url.ToString()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = Folder,
        };
        foreach (var key in start.Environment.Keys.Where(k => k.EndsWith("_API_KEY", StringComparison.Ordinal) || k == "OLLAMA_HOST").ToList()) start.Environment.Remove(key);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        using var http = new HttpClient { BaseAddress = Url };
        await Eventually.Is(
            async () =>
            {
                if (_process.HasExited) throw new InvalidOperationException($"{_program} exited with {_process.ExitCode}:\n{Log}");
                try
                {
                    return (await http.GetAsync("healthz")).IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            $"{_program} answers /healthz");
    }

    /// <summary>Kills it, and what it started, with no chance to tidy up.</summary>
    public async Task Kill9()
    {
        _process!.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await Kill9();
        _process?.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
