using System.Text;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>Odd but legal bytes from a provider.</summary>
public sealed class PayloadTests
{
    [Fact]
    public async Task Row09_Text_beside_an_empty_list_of_tool_calls_is_text()
    {
        const string Odd = """{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi","tool_calls":[]},"finish_reason":null}]}""";
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Odd, Chat.Finish(), Chat.Usage(1, 1)]);
            await call.Done();
        });
        var native = await SseClient.AllAsync(host.Api.Native("up/m", stream: true));
        View.NativeText(native).ShouldBe("Hi");
        native.Where(e => e.Type() == "block_start").Select(e => (string?)e.Json()["kind"]).ShouldBe(["text"]);
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("up/m"))).ShouldBe("Hi");
    }

    [Fact]
    public async Task Row16_An_answer_may_be_split_at_any_byte()
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Chat.Answer(["好", " 😀é"]).Append("[DONE]").Select(p => $"data: {p}\n\n")));
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            var at = int.Parse(call.Prompt);
            await call.Write(bytes.AsMemory(0, at));
            await Task.Yield();
            await call.Write(bytes.AsMemory(at));
        });
        await Parallel.ForAsync(1, bytes.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (at, _) =>
        {
            var events = await SseClient.AllAsync(host.Api.Native("up/m", $"{at}", stream: true));
            View.NativeText(events).ShouldBe("好 😀é", $"split at {at}");
            events[^1].Type().ShouldBe("finished", $"split at {at}");
            events.Count(e => e.Type() == "usage").ShouldBe(1, $"split at {at}");
        });
    }

    [Fact]
    public async Task Row16_An_answer_may_come_a_byte_at_a_time()
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Chat.Answer(["好", " 😀é"]).Append("[DONE]").Select(p => $"data: {p}\r\n\r\n")));
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            for (var i = 0; i < bytes.Length; i++) await call.Write(bytes.AsMemory(i, 1));
        });
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("up/m"))).ShouldBe("好 😀é");
    }

    [Fact]
    public async Task Row17_A_line_of_4_MB_passes()
    {
        var big = string.Concat(Enumerable.Range(0, 500_000).Select(i => $"{i:x8}"));
        await using var host = await PenstockHost.StartAsync(Tokens.Script(["before", big, "after"]));
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("up/m"))).ShouldBe($"before{big}after");
        View.NativeText(await SseClient.AllAsync(host.Api.Native("up/m", stream: true))).ShouldBe($"before{big}after");
    }

    [Fact]
    public async Task Row18_Comments_of_the_provider_are_not_passed_on()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Write(": OPENROUTER PROCESSING\n\n");
            foreach (var payload in Chat.Answer(["a", "b"]))
            {
                await call.Write(":\n\n: OPENROUTER PROCESSING\n");
                await call.Sse(payload);
            }

            await call.Done();
        });
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m"));
        var events = await client.RestAsync();
        View.ChatText(events).ShouldBe("ab");
        events.ShouldAllBe(e => View.IsDone(e) || e.Data.StartsWith('{'));
        string.Concat(events.Select(e => e.Raw)).ShouldNotContain("OPENROUTER");
    }

    [Fact]
    public async Task Row26_Events_of_one_moment_have_ids_of_their_own()
    {
        var tokens = Tokens.Of("burst", 500);
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse(Chat.Answer(tokens).Append("[DONE]")); // one write: all arrive together
        });
        foreach (var request in (RawRequest[])[host.Api.Chat("up/m"), host.Api.Native("up/m", stream: true), host.Api.ChatStream("up/m")])
        {
            var events = await SseClient.AllAsync(request);
            var places = events.Select(e => View.Place(e.Id.ShouldNotBeNull(e.Raw))).ToList();
            places.SequenceEqual(places.Distinct().Order()).ShouldBeTrue(request.Url.ToString());
            events.Count.ShouldBeGreaterThan(500);
        }
    }
}
