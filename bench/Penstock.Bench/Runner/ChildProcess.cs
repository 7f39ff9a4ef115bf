using System.Collections.Concurrent;
using System.Diagnostics;

namespace Penstock.Bench.Runner;

/// <summary>A process that the bench started, until it is disposed; what it writes is kept for error messages.</summary>
sealed class ChildProcess : IDisposable
{
    readonly Process _process;
    readonly ConcurrentQueue<string> _lastLines = new();

    public ChildProcess(IReadOnlyList<string> command, string? folder = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Environment.CurrentDirectory,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginErrorReadLine();
    }

    /// <summary>The command that runs this program again.</summary>
    public static string[] Self => [Environment.ProcessPath!];

    public StreamReader Output => _process.StandardOutput;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The last lines that it wrote, for error messages.</summary>
    public string LastLines => string.Join('\n', _lastLines);

    public double CpuSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Collects standard output too, for a child whose output is a log.</summary>
    public void KeepOutput()
    {
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
    }

    /// <summary>Waits until a Penstock server that this is takes work.</summary>
    public async Task WaitUntilReadyAsync(int port, CancellationToken cancellation)
    {
        using var client = new HttpClient();
        for (var attempt = 0; attempt < 300; attempt++)
        {
            if (HasExited) throw new InvalidOperationException($"The server exited:\n{LastLines}");
            try
            {
                using var response = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/readyz"), cancellation);
                if (response.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // not yet
            }

            await Task.Delay(100, cancellation);
        }

        throw new InvalidOperationException($"The server did not get ready:\n{LastLines}");
    }

    public void Dispose()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(TimeSpan.FromSeconds(5));
        }
        catch (InvalidOperationException)
        {
            // It had ended by itself.
        }

        _process.Dispose();
    }

    void Keep(string? line)
    {
        if (line is null) return;
        _lastLines.Enqueue(line);
        while (_lastLines.Count > 20) _lastLines.TryDequeue(out _);
    }
}
