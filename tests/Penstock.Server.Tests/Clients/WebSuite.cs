using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>A suite of TypeScript below <c>web/</c>, which starts servers and browsers itself.</summary>
internal static class WebSuite
{
    /// <summary>Runs it against the built server: all of it passes, and none of it is passed over.</summary>
    /// <param name="folder">Its folder below <c>web/</c>.</param>
    /// <param name="least">How many tests it has at least.</param>
    /// <param name="limit">How long it may take.</param>
    public static async Task PassesAsync(string folder, int least, TimeSpan limit)
    {
        var (exit, output, error) = await Command.RunAsync(
            limit,
            "node",
            ["node_modules/vitest/vitest.mjs", "run", "--reporter=json"],
            Path.Combine(Repository.Root, "web", folder),
            ("PENSTOCK_SERVER", PenstockProcess.ServerDll()));
        exit.ShouldBe(0, Failures(output) + error);
        var report = JsonNode.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..])!;
        ((int)report["numPassedTests"]!).ShouldBeGreaterThan(least);
        ((int)report["numPendingTests"]!).ShouldBe(0);
    }

    // The report is one long line.
    private static string Failures(string output) => string.Join('\n', output.Split("\"assertionResults\"").Where(file => file.Contains("\"failed\"", StringComparison.Ordinal)));
}
