using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary>A real nginx or HAProxy with the sample of <c>deploy/</c>, before servers of this machine instead of the containers.</summary>
internal sealed partial class Front : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;

    private Front(Process process, string folder, Uri url) => (_process, _folder, Url) = (process, folder, url);

    public Uri Url { get; }

    public Api Api => new(Url);

    /// <param name="program"><c>nginx</c> or <c>haproxy</c>.</param>
    /// <param name="servers">The gateways, at most as many as the sample has.</param>
    /// <param name="timeout">What the proxy takes for a dead stream, instead of the sample's minute.</param>
    public static async Task<Front> StartAsync(string program, IReadOnlyList<Uri> servers, TimeSpan? timeout = null)
    {
        var folder = Directory.CreateTempSubdirectory("penstock-front-").FullName;
        var port = Ports.Free();
        var sample = DeployFolder.Text(program == "nginx" ? "nginx.conf" : "haproxy.cfg");
        var text = Server().Replace(sample, line => int.Parse(line.Groups["n"].Value, CultureInfo.InvariantCulture) is var n && n <= servers.Count
            ? $"{line.Groups["before"].Value}{servers[n - 1].Authority}{line.Groups["after"].Value}"
            : "");
        text = text.Replace("listen 8080;", $"listen 127.0.0.1:{port};", StringComparison.Ordinal).Replace("bind :8080", $"bind 127.0.0.1:{port}", StringComparison.Ordinal);
        if (timeout is { } t)
        {
            text.ShouldContain(" 60s");
            text = text.Replace(" 60s", $" {t.TotalSeconds}s", StringComparison.Ordinal);
        }

        string[] arguments;
        var configuration = Path.Combine(folder, "configuration");
        if (program == "nginx")
        {
            text = text.Replace("/tmp/", $"{folder}/", StringComparison.Ordinal).Replace("worker_rlimit_nofile", "# worker_rlimit_nofile", StringComparison.Ordinal);
            if (Environment.UserName == "root") text = "user root;\n" + text;
            arguments = ["-e", "stderr", "-c", configuration, "-g", "daemon off;"];
        }
        else
        {
            arguments = ["-f", configuration];
        }

        await File.WriteAllTextAsync(configuration, text);
        var path = $"/usr/sbin/{program}";
        var start = new ProcessStartInfo(File.Exists(path) ? path : program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(start)!;
        var said = process.StandardError.ReadToEndAsync();
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        await Eventually.Is(async () => process.HasExited ? throw new InvalidOperationException($"{program} exited: {await said}") : !Ports.IsFree(port), $"{program} listens");
        return new Front(process, folder, new Uri($"http://127.0.0.1:{port}/"));
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [GeneratedRegex(@"(?m)^(?<before>\s*server (gateway-\d )?)gateway-(?<n>\d):8000(?<after>.*\n)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Server();
}
