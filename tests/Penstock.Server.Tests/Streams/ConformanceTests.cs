using System.Globalization;
using Penstock.Testing;

namespace Penstock.Server.Tests.Streams;

/// <summary>The published conformance suite of the Durable Streams protocol, all of it, against each store.</summary>
public abstract class ConformanceTests(string storage)
{
    private const int Cases = 338;

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan _longPoll = TimeSpan.FromMilliseconds(1500);

    [Fact]
    public async Task The_published_suite_passes_whole()
    {
        var settings = PenstockSettings.For(storage: storage)
            .With("Streams:LongPollTimeout", _longPoll.ToString("c", CultureInfo.InvariantCulture))
            .With("Cors:Origins:0", "*") // it asks for a preflight
            .InDevelopment(); // its webhooks are on this machine
        await using var server = await PenstockProcess.StartAsync(settings);
        var (exit, output, error) = await Command.RunAsync(
            _limit,
            "node",
            ["../node_modules/vitest/vitest.mjs", "run", "--reporter=json"],
            Path.Combine(Repository.Root, "tests", "node", "conformance"),
            ("STREAMS_URL", server.Url.ToString().TrimEnd('/')),
            ("LONG_POLL_MS", _longPoll.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)));
        exit.ShouldBe(0, $"{output}\n{error}\n{server.Log}");
        output.ShouldContain($"\"numPassedTests\":{Cases},", customMessage: error);
        output.ShouldContain("\"numPendingTests\":0,");
    }
}

public sealed class MemoryConformanceTests() : ConformanceTests("memory");

public sealed class DiskConformanceTests() : ConformanceTests("disk");
