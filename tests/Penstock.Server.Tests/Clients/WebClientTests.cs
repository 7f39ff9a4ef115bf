using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>The npm package in web/client: its own suite, which starts servers and browsers itself.</summary>
public sealed class WebClientTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Its_suite_passes_whole()
    {
        var (exit, output, error) = await Command.RunAsync(
            _limit,
            "node",
            ["node_modules/vitest/vitest.mjs", "run", "--reporter=json"],
            Path.Combine(Repository.Root, "web", "client"),
            ("PENSTOCK_SERVER", PenstockProcess.ServerDll()));
        exit.ShouldBe(0, Failures(output) + error);
        var report = JsonNode.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..])!;
        ((int)report["numPassedTests"]!).ShouldBeGreaterThan(20);
        ((int)report["numPendingTests"]!).ShouldBe(0);
    }

    // The report is one long line.
    private static string Failures(string output) => string.Join('\n', output.Split("\"assertionResults\"").Where(file => file.Contains("\"failed\"", StringComparison.Ordinal)));
}
