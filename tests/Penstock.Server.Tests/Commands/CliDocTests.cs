using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary>What docs/cli.md and docs/embedding.md print.</summary>
public sealed partial class CliDocTests
{
    [Fact]
    public async Task Every_command_of_the_page_does_what_it_says()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings().With("DefaultModel", "simulated/chat?tps=0&ttft=0"));
        var folder = server.DataFolder;
        var shim = Path.Combine(folder, "penstock");
        await File.WriteAllTextAsync(shim, $"#!/bin/sh\nexec dotnet '{PenstockProcess.ServerDll()}' \"$@\"\n");
        await Command.RunAsync("chmod", ["+x", shim]);
        var block = Blocks("cli.md", "sh").Single(b => b.Contains("--detach", StringComparison.Ordinal));
        var (exit, output, error) = await Command.RunAsync(
            TimeSpan.FromMinutes(2), "bash", ["-ec", block.Replace("simulated/reasoner", "simulated/reasoner?tps=0", StringComparison.Ordinal)], folder, ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"), ("PENSTOCK_SERVER", server.Url.ToString()));
        exit.ShouldBe(0, error);
        (await File.ReadAllTextAsync(Path.Combine(folder, "message"))).Length.ShouldBeGreaterThan(1000);
        output.ShouldContain("\"type\":\"finished\"");
        output.Length.ShouldBeGreaterThan(2500);
    }

    [Fact]
    public async Task The_sample_is_what_the_page_and_the_package_print()
    {
        var sample = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "samples", "dotnet-embedded", "Program.cs"));
        Blocks("embedding.md", "csharp")[0].ShouldBe(sample);
        Blocks(Path.Combine("..", "src", "Penstock.AspNetCore", "README.md"), "csharp")[0].ShouldBe(sample);
    }

    private static List<string> Blocks(string page, string language) =>
        [.. CodeBlock().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", page))).Where(m => m.Groups["language"].Value == language).Select(m => m.Groups["code"].Value)];

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CodeBlock();
}
