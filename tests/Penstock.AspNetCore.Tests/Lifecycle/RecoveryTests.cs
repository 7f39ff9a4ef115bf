using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Generations;
using Penstock.Streams;
using Penstock.Streams.Disk;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>What a start finds on the disk, and makes of it.</summary>
public sealed class RecoveryTests : IDisposable
{
    private const string Label = """{"protocol":"chat-completions","stream":true,"includeUsage":false,"model":"up/m"}""";
    private const string Started = """{"type":"started","model":"up/m"}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Streams_that_cannot_be_read_keep_neither_the_server_nor_the_others_from_working()
    {
        var whole = GenerationId.New();
        await using (var log = DiskStreamLog.Open(new DiskStoreOptions { Folder = _folder }, TimeProvider.System, NullLogger.Instance))
        {
            await WriteAsync(log, whole, Label, Record(Started), Record("""{"type":"block_start","block":0,"kind":"text"}"""), Record("""{"type":"delta","block":0,"text":"Hi"}"""));

            // Labels
            foreach (var label in (string[])["", "null", "nonsense", "{}", "[]", """{"protocol":5}"""]) await WriteAsync(log, GenerationId.New(), label, Record(Started));
            await WriteAsync(log, GenerationId.New(), Label.Replace("chat-completions", "of-the-future", StringComparison.Ordinal), Record(Started));

            // Records
            byte[][] odd =
            [
                [], [1, 2], [0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 1], Record(""), Record("nonsense"), Record("{\"type\":\"of_the_future\"}"),
                Record("""{"type":"delta","block":"zero"}"""), Record("""{"type":"delta","block":0,"text":"cut"""),
            ];
            foreach (var record in odd) await WriteAsync(log, GenerationId.New(), Label, Record(Started), record);
        }

        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "disk", ("Storage:Path", _folder));
        var snapshot = await host.Api.SnapshotAsync(whole);
        ((string)snapshot["status"]!).ShouldBe("interrupted");
        ((string)snapshot["text"]!).ShouldBe("Hi");
        ((string)snapshot["usage"]!["source"]!).ShouldBe("estimated");
        (await SseClient.AllAsync(host.Api.Events(whole))).Select(e => e.Type()).ShouldBe(["started", "block_start", "delta", "block_stop", "usage", "interrupted"]);

        var fresh = await host.Api.StartAsync("up/m", "a-3");
        await host.Api.EndedAsync(fresh);
        foreach (var query in (string[])["", "&status=interrupted", "&status=finished", "&status=running"])
        {
            var (status, list) = await Api.SendAsync(host.Api.Get($"v1/generations?limit=100{query}"));
            status.ShouldBe(HttpStatusCode.OK);
            var ids = list!["data"]!.AsArray().Select(s => (string)s!["id"]!).ToList();
            ids.Contains(whole).ShouldBe(query is "" or "&status=interrupted", query);
            ids.Contains(fresh).ShouldBe(query is "" or "&status=finished", query);
        }
    }

    [Fact]
    public async Task Keys_and_jobs_are_known_after_a_restart()
    {
        const string Name = "job_0123456789abcdef0123456789abcdef";
        JsonNode first;
        RawRequest Ask(PenstockHost host) => host.Api.Post("ask", new JsonObject { ["query"] = "a-3", ["uuid"] = Name });
        await using (var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "disk", ("Storage:Path", _folder)))
        {
            await Api.SendAsync(Ask(host));
            first = await host.Api.EndedAsync(Name);
            await host.Api.StartAsync("up/m", "b-3");
            await host.StopAsync();
        }

        await using var next = await PenstockHost.StartAsync(Tokens.ByPrompt(), "disk", ("Storage:Path", _folder));
        (await next.Api.SnapshotAsync(Name)).ToJsonString().ShouldBe(first.ToJsonString());
        ((string)(await Api.SendAsync(Ask(next))).Body!["generation"]!).ShouldBe((string)first["id"]!);
        next.Upstream.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_whose_attempts_all_failed_is_free_after_a_restart_too()
    {
        RawRequest Ask(PenstockHost host) => host.Api.Chat("up/m", "a-3").With("Idempotency-Key", "key-1");
        await using (var host = await PenstockHost.StartAsync(
            call => call.Json(503, "{}"), "disk", ("Storage:Path", _folder), ("Retry:MaxRetries", "2"), ("Retry:BaseDelay", "00:00:00.001")))
        {
            using (var refused = await RawReply.SendAsync(Ask(host))) refused.Status.ShouldBe(503);
            host.Upstream.Calls.Count.ShouldBe(3);
            await host.StopAsync();
        }

        await using var next = await PenstockHost.StartAsync(Tokens.ByPrompt(), "disk", ("Storage:Path", _folder));
        View.ChatText(await SseClient.AllAsync(Ask(next))).ShouldBe(string.Concat(Tokens.Of("a", 3)));
    }

    [Fact]
    public async Task A_key_whose_generation_goes_on_after_a_crash_joins_it()
    {
        RawRequest Ask(PenstockHost host) => host.Api.Chat("up/m", "a-3").With("Idempotency-Key", "key-1");
        var left = Path.Combine(_folder, "left");
        await using (var host = await PenstockHost.StartAsync(
            call => call.Hold(), "disk", ("Storage:Path", Path.Combine(_folder, "data")), ("Generations:OnCrash", "restart")))
        {
            _ = RawReply.SendAsync(Ask(host));
            await Eventually.Is(() => host.Upstream.Calls.Count == 1, "the provider was asked");
            CopyTo(left);
        }

        using var gate = new SemaphoreSlim(0);
        await using var next = await PenstockHost.StartAsync(
            async call =>
            {
                await gate.WaitAsync(Eventually.Limit);
                await Tokens.ByPrompt()(call);
            },
            "disk", ("Storage:Path", left), ("Generations:OnCrash", "restart"));
        await Eventually.Is(() => next.Upstream.Calls.Count == 1, "the provider was asked again");
        var read = SseClient.AllAsync(Ask(next));
        gate.Release(2);
        View.ChatText(await read).ShouldBe(string.Concat(Tokens.Of("a", 3)));
        next.Upstream.Calls.Count.ShouldBe(1); // a second one would be a second bill
    }

    private void CopyTo(string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_folder, "data")).Where(f => Path.GetFileName(f) != "lock")) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
    }

    private static async Task WriteAsync(IStreamLog log, string id, string label, params byte[][] records)
    {
        var stream = await log.CreateAsync($"generations/{id}", new StreamOptions { Metadata = Encoding.UTF8.GetBytes(label) });
        using var batch = new StreamBatch();
        foreach (var record in records) batch.Add(record);
        await stream.AppendAsync(batch);
    }

    private static byte[] Record(string json)
    {
        var record = new byte[4 + Encoding.UTF8.GetByteCount(json)];
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length - 4);
        Encoding.UTF8.GetBytes(json, record.AsSpan(4));
        return record;
    }
}
