using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>
/// Providers that fail three calls in ten, in every way that they can be made to: with three targets of an alias nearly all
/// answers are whole, and none has a token twice. Some hundreds here; <c>./test chaos-upstream</c> plays ten thousand.
/// </summary>
public sealed class ChaosUpstreamTests
{
    private static readonly int _count = int.Parse(Environment.GetEnvironmentVariable("PENSTOCK_CHAOS_UPSTREAM") ?? "400", CultureInfo.InvariantCulture);

    private static readonly IReadOnlyList<(string Name, UpstreamScript Play)> _beforeOutput =
    [
        ("500", call => call.Json(500, "{}")),
        ("502 in HTML", async call => { await call.Head(502, "text/html"); await call.Write("<html>Bad gateway</html>"); }),
        ("503", call => call.Json(503, "{}", ("Retry-After", "0"))),
        ("529", call => call.Json(529, """{"type":"error","error":{"type":"overloaded_error"}}""")),
        ("429", call => call.Json(429, "{}", ("retry-after-ms", "3"))),
        ("408", call => call.Json(408, "{}")),
        ("409", call => call.Json(409, "{}")),
        ("401", call => call.Json(401, "{}")),
        ("404", call => call.Json(404, "{}")),
        ("reset", call => { call.Reset(); return Task.CompletedTask; }),
        ("closed", call => { call.Close(); return Task.CompletedTask; }),
        ("a role and the end", call => call.Sse(Chat.Role())),
        ("a role and a reset", async call => { await call.Sse(Chat.Role()); call.Reset(); }),
        ("nothing at all", _ => Task.CompletedTask),
        ("an error first", call => call.Sse(Chat.Error("overloaded"))),
        ("no protocol", call => call.Sse("{nothing")),
        ("no JSON", call => call.Json(200, "<html>")),
        ("silence", call => call.Hold()),
        ("comments and silence", async call => { await call.Write(": ping\n\n"); await call.Hold(); }),
        ("half a head", async call => { await call.Raw("HTTP/1.1 20"u8.ToArray()); call.Close(); }),
    ];

    private static readonly IReadOnlyList<(string Name, UpstreamScript Play)> _afterOutput =
    [
        ("reset", call => { call.Reset(); return Task.CompletedTask; }),
        ("closed", call => { call.Close(); return Task.CompletedTask; }),
        ("the end", _ => Task.CompletedTask),
        ("an error", call => call.Sse(Chat.Error("overloaded"))),
        ("a named error", call => call.Write("event: error\ndata: {\"message\":\"SECRET\"}\n\n")),
        ("no protocol", call => call.Sse("{nothing")),
        ("half a frame", async call => { await call.Write("data: {\"choi"); call.Close(); }),
        ("silence", call => call.Hold()),
        ("comments for ever", async call =>
        {
            while (!call.Closed.IsCompleted)
            {
                await call.Write(": ping\n\n");
                await Task.WhenAny(call.Closed, Task.Delay(50)); // the fault that is played
            }
        }),
        ("a line without an end", async call =>
        {
            await call.Write("data: ");
            for (var i = 0; i < 200; i++) await call.Write(new string('x', 1000));
            call.Close();
        }),
    ];

    [Fact]
    public async Task Nearly_all_answers_are_whole_and_none_has_a_token_twice()
    {
        var played = new ConcurrentDictionary<string, int>();
        var calls = 0;
        await using var host = await PenstockHost.StartAsync(call => PlayAsync(call, new Random(Interlocked.Increment(ref calls)), played), settings:
        [
            .. Enumerable.Range(0, 3).SelectMany(i => new[] { ($"Models:fast:Targets:{i}:Model", $"up/m{i}"), ($"Models:fast:Targets:{i}:Priority", "1") }),
            ("Models:fast:AfterOutput", "continue"), ("Providers:up:ContinuesPrefix", "true"), ("Providers:up:FirstTokenTimeout", "00:00:01.5"), ("Providers:up:IdleTimeout", "00:00:01.5"),
            ("Providers:up:TotalTimeout", "00:00:05"), ("Providers:up:MaxLineLength", "65536"), ("Retry:MaxRetries", "2"), ("Retry:BaseDelay", "00:00:00.01"), ("Retry:MaxDelay", "00:00:00.1"),
        ]);
        int finished = 0, failed = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, _count), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            var prompt = $"g{i}-{8 + (i % 5)}";
            var tokens = Tokens.OfPrompt(prompt);
            var (text, isWhole) = i % 2 == 0 ? await ChatAsync(host, prompt) : await NativeAsync(host, prompt);
            Interlocked.Increment(ref isWhole ? ref finished : ref failed);
            if (isWhole) text.ShouldBe(string.Concat(tokens));
            else Enumerable.Range(0, tokens.Count + 1).Select(n => string.Concat(tokens.Take(n))).ShouldContain(text);
        });

        var faults = played.Where(p => p.Key != "none").Sum(p => p.Value);
        Console.WriteLine($"{_count} generations in {calls} calls, of which {faults} failed in {played.Count - 1} ways: {finished} finished, {failed} failed.");
        (finished + failed).ShouldBe(_count);
        failed.ShouldBeLessThanOrEqualTo(Math.Max(1, _count / 1000));
        ((double)faults / calls).ShouldBeInRange(0.2, 0.4);
        await Eventually.Is(() => host.Services.GetRequiredService<Penstock.Generations.GenerationService>().Running == 0, "nothing runs any more");
    }

    private static async Task PlayAsync(UpstreamCall call, Random random, ConcurrentDictionary<string, int> played)
    {
        var (prompt, said) = Asked(call);
        var tokens = Tokens.OfPrompt(prompt);
        var from = 0;
        while (string.Concat(tokens.Take(from)).Length < said.Length) from++;
        var fails = random.Next(10) < 3;
        var (name, play) = !fails ? ("none", null) : random.Next(2) == 0 ? Of(_beforeOutput, "before output: ") : Of(_afterOutput, "after output: ");
        played.AddOrUpdate(name, 1, (_, n) => n + 1);
        if (name.StartsWith("before", StringComparison.Ordinal))
        {
            await play!(call);
            return;
        }

        var until = fails ? random.Next(from + 1, tokens.Count + 1) : tokens.Count;
        await call.Sse(Chat.Role());
        foreach (var token in tokens.Take(until).Skip(from)) await call.Sse(Chat.Text(token));
        if (play is not null)
        {
            await play(call);
            return;
        }

        await call.Sse([Chat.Finish(), Chat.Usage(7, until - from)]);
        await call.Done();

        (string, UpstreamScript) Of(IReadOnlyList<(string Name, UpstreamScript Play)> ways, string when)
        {
            var (name, play) = ways[random.Next(ways.Count)];
            return (when + name, play);
        }
    }

    // The prompt, and what was said of the answer to it before.
    private static (string Prompt, string Said) Asked(UpstreamCall call)
    {
        var messages = call.Request!["messages"]!.AsArray();
        var said = (string?)messages[^1]!["role"] == "assistant" ? (string)messages[^1]!["content"]! : "";
        return ((string)messages[0]!["content"]!, said);
    }

    private static async Task<(string Text, bool IsWhole)> ChatAsync(PenstockHost host, string prompt)
    {
        using var client = await SseClient.OpenAsync(host.Api.Chat("fast", prompt));
        if (client.Reply.Status != 200) return await RefusedAsync(client);
        var events = await client.RestAsync();
        View.IsChatEnding(events[^1]).ShouldBeTrue();
        return (View.ChatText(events), View.IsDone(events[^1]));
    }

    private static async Task<(string Text, bool IsWhole)> NativeAsync(PenstockHost host, string prompt)
    {
        using var client = await SseClient.OpenAsync(host.Api.Native("fast", prompt, stream: true));
        if (client.Reply.Status is not (200 or 201)) return await RefusedAsync(client);
        var events = await client.RestAsync();
        events[^1].Type().ShouldBeOneOf("finished", "failed");
        events.Count(View.IsNativeEnding).ShouldBe(1);
        events.Count(e => e.Type() == "block_start").ShouldBeLessThan(2);
        return (View.NativeText(events), events[^1].Type() == "finished");
    }

    private static async Task<(string Text, bool IsWhole)> RefusedAsync(SseClient client)
    {
        client.Reply.Status.ShouldBeInRange(400, 599);
        (await client.Reply.TextAsync()).ShouldContain("message");
        return ("", false);
    }
}
