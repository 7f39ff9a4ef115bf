using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>Streams that real providers sent come through equal, but for what the gateway owns. Skipped where the recordings are not there.</summary>
public sealed class RecordingTests
{
    private static readonly string? _folder = Repository.Recordings("openai-chat");

    public static TheoryData<string> Recordings => _folder is null
        ? ["(no recordings)"]
        : [.. Directory.GetFiles(_folder, "*.jsonl").Select(f => Path.GetFileName(f)).Order()];

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task A_recording_comes_through_event_by_event(string name)
    {
        var payloads = Read(name);
        await using var host = await PenstockHost.StartAsync(call => call.Sse(payloads.Append("[DONE]")));
        await ComesThroughAsync(host, payloads);
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task A_recording_comes_through_when_its_bytes_are_split_anywhere(string name)
    {
        var payloads = Read(name);
        var random = new Random(name.Length);
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            var bytes = Encoding.UTF8.GetBytes(string.Concat(payloads.Append("[DONE]").Select(p => $"data: {p}\r\n\r\n")));
            for (var at = 0; at < bytes.Length;)
            {
                var size = Math.Min(random.Next(1, 700), bytes.Length - at);
                await call.Write(bytes.AsMemory(at, size));
                at += size;
            }
        });
        await ComesThroughAsync(host, payloads);
    }

    private static async Task ComesThroughAsync(PenstockHost host, string[] payloads)
    {
        var request = host.Api.Post("v1/chat/completions", new JsonObject
        {
            ["model"] = "up/m",
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hi" }),
        });
        using var client = await SseClient.OpenAsync(request);
        var events = await client.RestAsync();
        View.IsDone(events[^1]).ShouldBeTrue();
        events.Count.ShouldBe(payloads.Length + 1);
        for (var i = 0; i < payloads.Length; i++)
        {
            var got = events[i].Json().AsObject();
            var sent = JsonNode.Parse(payloads[i])!.AsObject();
            if (sent.ContainsKey("id")) ((string)got["id"]!).ShouldBe($"chatcmpl-{client.Generation["gen_".Length..]}");
            got.Remove("id");
            sent.Remove("id");
            JsonNode.DeepEquals(got, sent).ShouldBeTrue($"event {i}:\n{got.ToJsonString()}\n{sent.ToJsonString()}");
        }

        var native = await SseClient.AllAsync(host.Api.Events(client.Generation));
        native[^1].Type().ShouldBe("finished");
        View.NativeText(native).ShouldBe(View.ChatText(events));
    }

    private static string[] Read(string name)
    {
        if (_folder is null) Assert.Skip("There are no recordings at ../shared/recordings.");
        return [.. File.ReadLines(Path.Combine(_folder, name)).Where(l => l.Length > 0)];
    }
}
