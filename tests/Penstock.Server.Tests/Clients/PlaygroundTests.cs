using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Penstock.Server.Playground;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>The page in web/playground: its own suite, which starts servers and a browser itself.</summary>
public sealed class PlaygroundTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(8);

    [Fact]
    public async Task Its_suite_passes_whole()
    {
        var (exit, output, error) = await Command.RunAsync(
            _limit,
            "node",
            ["node_modules/vitest/vitest.mjs", "run", "--reporter=json"],
            Path.Combine(Repository.Root, "web", "playground"),
            ("PENSTOCK_SERVER", PenstockProcess.ServerDll()));
        exit.ShouldBe(0, Failures(output) + error);
        var report = JsonNode.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..])!;
        ((int)report["numPassedTests"]!).ShouldBeGreaterThan(30);
        ((int)report["numPendingTests"]!).ShouldBe(0);
    }

    [Fact]
    public async Task A_build_without_the_page_says_how_to_get_it()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.MapPlayground(typeof(PlaygroundTests).Assembly); // has none
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var reply = await http.GetAsync("");
        reply.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await reply.Content.ReadAsStringAsync()).ShouldContain("dotnet build src/Penstock.Server");
    }

    // The report is one long line.
    private static string Failures(string output) => string.Join('\n', output.Split("\"assertionResults\"").Where(file => file.Contains("\"failed\"", StringComparison.Ordinal)));
}
