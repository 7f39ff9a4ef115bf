using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary>The program as a user runs it.</summary>
internal sealed class Cli : IAsyncDisposable
{
    // A program that starts is compiled first, which takes its time where others do the same.
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Task _reading;

    private Cli(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.UseShellExecute = false;
        _process = Process.Start(start)!;
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput, _output), ReadAsync(_process.StandardError, _error));
    }

    public string Output => TextOf(_output);

    public string Error => TextOf(_error);

    /// <summary>Runs it to its end, with nothing to read.</summary>
    public static Task<(int Exit, string Output, string Error)> RunAsync(Uri? server, params string[] arguments) => RunAsync(server, input: "", arguments);

    public static async Task<(int Exit, string Output, string Error)> RunAsync(Uri? server, string input, string[] arguments)
    {
        await using var cli = Start(server, arguments);
        await cli.TypeAsync(input);
        cli.EndInput();
        var exit = await cli.ExitAsync();
        return (exit, cli.Output, cli.Error);
    }

    public static Cli Start(Uri? server, params string[] arguments) => new(Environment(new ProcessStartInfo("dotnet", [PenstockProcess.ServerDll(), .. arguments]), server));

    /// <summary>Runs it on a terminal, whose output and errors are one.</summary>
    public static Cli OnTerminal(Uri server, (string Name, string Value)[] environment, params string[] arguments)
    {
        var line = string.Join(' ', new[] { "dotnet", PenstockProcess.ServerDll() }.Concat(arguments).Select(a => $"'{a.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        var start = Environment(new ProcessStartInfo("script", ["-qefc", line, "/dev/null"]), server);
        start.Environment["TERM"] = "xterm";
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new Cli(start);
    }

    public async Task TypeAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    public void EndInput() => _process.StandardInput.Close();

    /// <summary>Ctrl-C.</summary>
    public void Interrupt() => _ = kill(_process.Id, 2);

    public async Task<int> ExitAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(_limit);
            await _reading.WaitAsync(_limit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"It did not end:\n{Output}\n{Error}", e);
        }

        return _process.ExitCode;
    }

    public Task SaysAsync(string words) => Eventually.Is(() => Output.Contains(words, StringComparison.Ordinal) || Error.Contains(words, StringComparison.Ordinal), $"it says '{words}'");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static ProcessStartInfo Environment(ProcessStartInfo start, Uri? server)
    {
        start.Environment.Remove("NO_COLOR");
        start.Environment.Remove("PENSTOCK_KEY");
        if (server is not null) start.Environment["PENSTOCK_SERVER"] = server.ToString();
        return start;
    }

    private static async Task ReadAsync(StreamReader from, StringBuilder to)
    {
        var buffer = new char[4096];
        for (int count; (count = await from.ReadAsync(buffer)) > 0;)
        {
            lock (to) to.Append(buffer, 0, count);
        }
    }

    private static string TextOf(StringBuilder text)
    {
        lock (text) return text.ToString();
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);
}
