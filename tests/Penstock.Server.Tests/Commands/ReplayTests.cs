using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;
using Penstock.Streams.Disk;
using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary><c>penstock replay</c>: an answer once more, at its own pace.</summary>
public sealed class ReplayTests
{
    [Fact]
    public async Task An_answer_is_written_again_at_the_pace_at_which_it_was_given()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var id = await server.Api.StartAsync("simulated/chat?tokens=12&tps=10&ttft=0", "Tell me about rivers.");
        var text = (string)(await server.Api.EndedAsync(id))["text"]!;
        var (exit, lines, error) = await Cli.RunAsync(server.Url, "replay", id, "--json", "--speed", "0");
        exit.ShouldBe(0, error);
        var times = lines.TrimEnd().Split('\n').Select(line => (long?)JsonNode.Parse(line)!["at"]).OfType<long>().ToList();
        var length = TimeSpan.FromMilliseconds(times[^1] - times[0]);
        length.ShouldBeGreaterThan(TimeSpan.FromSeconds(0.8)); // it was given at ten tokens a second

        foreach (var (speed, least) in new[] { ("1", length), ("0.5", 2 * length) })
        {
            var begun = Stopwatch.StartNew();
            var (_, output, notes) = await Cli.RunAsync(server.Url, "replay", id, "--speed", speed);
            begun.Elapsed.ShouldBeGreaterThan(least, $"at {speed}");
            (output, notes).ShouldBe(($"{text}\n", ""));
        }

        (await Cli.RunAsync(server.Url, "replay", id, "--speed", "-1")).Error.ShouldContain("0.01 to 1000");
    }

    [Fact]
    public async Task One_that_was_stored_without_times_comes_evenly_and_says_so()
    {
        var settings = new PenstockSettings { ["Storage:Path"] = Directory.CreateTempSubdirectory("penstock-test-").FullName };
        var id = GenerationId.New();
        await using (var log = DiskStreamLog.Open(new DiskStoreOptions { Folder = settings["Storage:Path"]! }, TimeProvider.System, NullLogger.Instance))
        {
            var metadata = new GenerationMetadata("native", true, true, 1, "up/m", "up/m");
            var stream = await log.CreateAsync($"generations/{id}", new StreamOptions { Metadata = metadata.ToBytes() });
            using var batch = new StreamBatch();
            Add(new GenerationEvent { Kind = EventKind.Started, Model = "up/m" });
            Add(new GenerationEvent { Kind = EventKind.BlockStart, Block = 0, BlockKind = BlockKind.Text });
            for (var i = 0; i < 20; i++) Add(new GenerationEvent { Kind = EventKind.Delta, Block = 0, Text = Encoding.UTF8.GetBytes($"{i} ") });
            Add(new GenerationEvent { Kind = EventKind.BlockStop, Block = 0 });
            Add(new GenerationEvent { Kind = EventKind.Finished, Reason = FinishReason.Stop });
            await stream.AppendAsync(batch, close: true);

            void Add(in GenerationEvent generationEvent)
            {
                EventRecord.Begin(batch, generationEvent);
                batch.EndEvent();
            }
        }

        await using var server = await PenstockProcess.StartAsync(settings);
        var begun = Stopwatch.StartNew();
        var (exit, output, error) = await Cli.RunAsync(server.Url, "replay", id, "--speed", "0.2");
        begun.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2));
        (exit, output).ShouldBe((0, string.Concat(Enumerable.Range(0, 20).Select(i => $"{i} ")) + "\n"), error);
        error.ShouldBe("[This answer was stored without times: it comes at an even pace, 10 tokens a second.]\n");
    }
}
