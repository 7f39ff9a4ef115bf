using System.Text;
using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>What README tells a newcomer to type works as printed.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public async Task The_first_curl_streams_within_five_seconds_of_the_start()
    {
        var blocks = Blocks();
        blocks.ShouldContain("dotnet run --project src/Penstock.Server");
        var curl = blocks.First(b => b.StartsWith("curl ", StringComparison.Ordinal));

        await using var server = PenstockProcess.Launch(new PenstockSettings());
        var output = "";
        await Eventually.Is(async () => (output = await BashAsync($"({curl}) 2>/dev/null | head -c 300", server)).Length > 0, "the first token");
        server.ProcessorTime.ShouldBeLessThan(TimeSpan.FromSeconds(5)); // its own, which a busy machine does not lengthen
        output.ShouldContain("data: ");

        var events = Parse(await BashAsync(curl, server));
        View.ChatText(events).Length.ShouldBeGreaterThan(1400);
        View.IsDone(events[^1]).ShouldBeTrue();
    }

    [Fact]
    public async Task The_resume_goes_on_with_the_next_token()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var uncut = await FirstCurlAsync(server);
        var block = Blocks().First(b => b.Contains("Last-Event-ID", StringComparison.Ordinal));
        var output = await BashAsync(block.Replace("/tmp/", $"{server.DataFolder}/", StringComparison.Ordinal), server);

        // curl prints what it has of the frame that the cut was in; a client discards it, and it comes again.
        var events = Parse(output).Where(e => e.Id is not null).DistinctBy(e => e.Id).ToList();
        View.ChatText(events).ShouldBe(View.ChatText(uncut));
    }

    [Fact]
    public async Task A_generation_is_looked_at_followed_and_stopped()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        await FirstCurlAsync(server);
        var output = await BashAsync(Blocks().First(b => b.StartsWith("id=$(", StringComparison.Ordinal)), server);
        output.ShouldContain("event: delta");
        output.ShouldContain("\"running\"");
        output.ShouldContain("\"stopped\"");
    }

    // Who reads on has typed it before; it also takes what the first request of a new process costs out of later seconds.
    private static async Task<List<SseEvent>> FirstCurlAsync(PenstockProcess server) =>
        Parse(await BashAsync(Blocks().First(b => b.StartsWith("curl ", StringComparison.Ordinal)), server));

    private static List<string> Blocks() =>
        [.. CodeBlock().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Select(m => m.Groups["commands"].Value.Trim())];

    // Another port, so that a server that runs here already is not in the way; all else as printed.
    private static async Task<string> BashAsync(string commands, PenstockProcess server)
    {
        commands.ShouldContain("http://localhost:8000/");
        return (await Command.RunAsync("bash", ["-c", commands.Replace("http://localhost:8000/", server.Url.ToString(), StringComparison.Ordinal)], server.DataFolder)).Output;
    }

    private static List<SseEvent> Parse(string output) => [.. new SseEvents().Feed(Encoding.UTF8.GetBytes(output))];

    [GeneratedRegex(@"^```(?:sh|bash)\n(?<commands>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CodeBlock();
}
