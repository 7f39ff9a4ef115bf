using System.Diagnostics;
using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>What README tells a newcomer to type works as printed.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public async Task The_first_curl_streams_within_five_seconds_of_the_start()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"));
        var commands = CodeBlock().Matches(readme).Select(m => m.Groups["commands"].Value.Trim()).ToList();
        commands.ShouldContain(c => c.Contains("dotnet run --project src/Penstock.Server", StringComparison.Ordinal));
        var curl = commands.First(c => c.StartsWith("curl ", StringComparison.Ordinal)).Split("\n\n")[0];
        curl.ShouldContain("http://localhost:8000/");

        // Another port, so that a server that runs here already is not in the way; all else as printed, and no provider's key.
        await using var server = PenstockProcess.Launch(new PenstockSettings());
        var started = Stopwatch.StartNew();
        var command = curl.Replace("http://localhost:8000/", server.Url.ToString(), StringComparison.Ordinal);
        var output = "";
        await Eventually.Is(async () => (output = (await Command.RunAsync("bash", ["-c", $"set -o pipefail; ({command}) 2>/dev/null | head -c 300"], server.DataFolder)).Output).Length > 0, "the first token");
        started.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        output.ShouldContain("data: ");

        var (exit, whole, error) = await Command.RunAsync("bash", ["-c", command], server.DataFolder);
        exit.ShouldBe(0, error);
        whole.Length.ShouldBeGreaterThan(1000);
        whole.ShouldNotContain("error");
    }

    [GeneratedRegex(@"^```(?:sh|bash)\n(?<commands>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CodeBlock();
}
