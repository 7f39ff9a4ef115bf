using System.Diagnostics;

namespace Penstock.Testing;

/// <summary>Runs a program and returns what it printed.</summary>
public static class Command
{
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string program, IEnumerable<string> arguments, string? folder = null, params (string Name, string Value)[] environment) =>
        await RunAsync(Eventually.Limit, program, arguments, folder, environment);

    /// <summary>The same, with more time than a test step usually has.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        TimeSpan limit, string program, IEnumerable<string> arguments, string? folder = null, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        if (folder is not null) start.WorkingDirectory = folder;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(limit);
        }
        catch (TimeoutException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} did not end:\n{await output}\n{await error}", e);
        }

        return (process.ExitCode, await output, await error);
    }
}
