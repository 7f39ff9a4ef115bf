using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>What docs/streams.md tells to type works as printed, from the first block to the last.</summary>
public sealed partial class StreamsDocTests
{
    [Fact]
    public async Task Every_command_does_what_the_page_says()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "streams.md"));
        var blocks = CodeBlock().Matches(page).Select(m => m.Groups["commands"].Value.Trim()).ToList();
        string[][] expected =
        [
            ["HTTP/1.1 201", "Stream-Next-Offset: 0000000000000002", """[{"says":"hello"},{"says":"world"}]"""],
            ["""[{"says":"world"}]""", """[{"says":"again"}]"""],
            ["event: data", """data:{"says":"again"}""", "id: 0000000000000003", "\"streamClosed\":true"],
            ["HTTP/1.1 200", "HTTP/1.1 204", """[{"order":1}]"""],
            ["HTTP/1.1 201", """[{"says":"hello"}]"""],
            ["\"type\":\"started\"", "\"streamClosed\":true", "HTTP/1.1 405"],
            ["HTTP/1.1 201", "HTTP/1.1 204"],
            ["\"path\":\"rooms/1b\"", "\"path\":\"generations/gen_"],
        ];
        blocks.Count.ShouldBe(expected.Length);
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        foreach (var (block, pieces) in blocks.Zip(expected))
        {
            var commands = block.Replace("http://localhost:8000/", server.Url.ToString(), StringComparison.Ordinal);
            var (_, output, error) = await Command.RunAsync("bash", ["-c", commands], server.DataFolder);
            foreach (var piece in pieces) output.ShouldContain(piece, customMessage: $"{block}\n{error}");
        }
    }

    [GeneratedRegex(@"^```sh\n(?<commands>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CodeBlock();
}
