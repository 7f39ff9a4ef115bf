using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary><c>deploy/local</c>, as a person starts it.</summary>
public sealed partial class LocalTests : IDisposable
{
    private const int Interrupt = 2;
    private const string Slow = "simulated/chat?seed=7&tps=100";

    // RabbitMQ takes its time on a busy machine.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-local-").FullName;

    private Process? _local;

    public void Dispose()
    {
        if (_local is { HasExited: false }) _local.Kill(entireProcessTree: true);
        _local?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("nginx", true)]
    [InlineData("haproxy", false)]
    public async Task It_starts_all_streams_through_all_and_stops_all(string proxy, bool byCtrlC)
    {
        var port = Ports.Free();
        var local = _local = Process.Start(new ProcessStartInfo(DeployFolder.Path("local"), ["--no-build", "--folder", _folder, "--port", $"{port}", "--proxy", proxy])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        var errors = local.StandardError.ReadToEndAsync();
        var printed = "";
        while (await local.StandardOutput.ReadLineAsync().WaitAsync(_limit) is { } line)
        {
            printed += line + "\n";
            if (line.StartsWith("Ctrl-C", StringComparison.Ordinal)) break;
        }

        var addresses = Address().Matches(printed).DistinctBy(m => m.Groups["name"].Value).ToDictionary(m => m.Groups["name"].Value, m => new Uri($"http://127.0.0.1:{m.Groups["port"].Value}/"));
        addresses.Keys.Order().ShouldBe(new[] { proxy, "gateway-1", "gateway-2", "worker-1", "worker-2", "redis", "rabbitmq" }.Order(), $"{printed}{(local.HasExited ? await errors : "")}");
        printed.ShouldContain($"curl -N http://127.0.0.1:{port}/v1/chat/completions");
        foreach (var node in addresses.Where(a => a.Key.Contains('-', StringComparison.Ordinal)))
            (await Api.SendTextAsync(new Api(node.Value).Get("readyz"))).Status.ShouldBe(HttpStatusCode.OK);

        // Through the front, cut off, and on at each gateway: the same text.
        var front = new Api(addresses[proxy]);
        var seen = new List<SseEvent>();
        using (var client = await SseClient.OpenAsync(front.Chat(Slow)))
        {
            while (seen.Count < 20) seen.Add((await client.NextAsync())!);
        }

        var rests = new List<string>();
        foreach (var gateway in new[] { "gateway-1", "gateway-2" })
            rests.Add(View.ChatText([.. seen, .. await SseClient.AllAsync(new Api(addresses[gateway]).Chat(Slow).With("Last-Event-ID", seen[^1].Id!))]));
        rests[0].Length.ShouldBeGreaterThan(1000);
        rests[1].ShouldBe(rests[0]);

        if (byCtrlC) _ = kill(local.Id, Interrupt);
        else (await Command.RunAsync(_limit, DeployFolder.Path("local"), ["down", "--folder", _folder])).ExitCode.ShouldBe(0);
        await Eventually.Completes(local.WaitForExitAsync(), "deploy/local ends", _limit);
        local.ExitCode.ShouldBe(0, await errors);
        addresses.Values.ShouldAllBe(a => Ports.IsFree(a.Port));
        (await Command.RunAsync(DeployFolder.Path("local"), ["down", "--folder", _folder])).Error.ShouldContain("nothing runs");
    }

    [GeneratedRegex(@"(?m)^  (?<name>\S+) +(http://)?127\.0\.0\.1:(?<port>\d+) ", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Address();

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);
}
