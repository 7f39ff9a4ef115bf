using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary><c>kill -9</c> under a running answer, in each policy. The simulated model says the same to the same prompt, so the seam shows.</summary>
public sealed class CrashPolicyTests
{
    private const string Prompt = "Tell me of rivers.";
    private const string Slow = "simulated/chat?seed=7&tps=300";
    private const string Fast = "simulated/chat?seed=7&tps=0&ttft=0";

    [Fact]
    public async Task Continued_it_is_to_the_byte_what_it_would_have_been()
    {
        await using var server = await PenstockProcess.StartAsync(Settings("continue"));
        var whole = await WholeAsync(server);
        for (var round = 1; round <= 3; round++)
        {
            var id = await KillUnderAsync(server, Slow, Prompt, characters: 150 * round);
            (await server.Api.EndedAsync(id))["text"]!.GetValue<string>().ShouldBe(whole);
            var events = await SseClient.AllAsync(server.Api.Events(id));
            View.NativeText(events).ShouldBe(whole);
            events.Count(e => e.Type() == "attempt").ShouldBe(1);
            events.Count(e => e.Type() == "started").ShouldBe(1);
            events.Count(e => e.Type() == "block_start").ShouldBe(1); // the text goes on in its own block
            events[^1].Type().ShouldBe("finished");
            events.Count(View.IsNativeEnding).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Clients_that_come_back_read_on_across_the_seam()
    {
        await using var server = await PenstockProcess.StartAsync(Settings("continue"));
        var whole = await WholeAsync(server);
        RawRequest[] requests = [server.Api.Chat(Slow, Prompt), server.Api.ChatStream(Slow, Prompt)];
        var seen = await Task.WhenAll(requests.Select(r => ReadAsync(r, events: 40)));
        await server.Kill9();
        await server.StartAsync();
        for (var i = 0; i < requests.Length; i++)
        {
            var rest = await SseClient.AllAsync(requests[i].With("Last-Event-ID", seen[i][^1].Id!));
            List<SseEvent> all = [.. seen[i], .. rest];
            all[^1].Data.ShouldBe("[DONE]");
            all.Count(View.IsDone).ShouldBe(1);
            if (i == 0) View.ChatText(all).ShouldBe(whole);
            else View.TokenText(all).ShouldBe(whole.AsSseText());
        }
    }

    [Fact]
    public async Task Restarted_it_tells_every_watcher_to_clear_and_is_whole_after_that()
    {
        await using var server = await PenstockProcess.StartAsync(Settings("restart"));
        var whole = await WholeAsync(server);
        var request = server.Api.Chat(Slow, Prompt).With("Idempotency-Key", "once");
        var page = server.Api.ChatStream(Slow, Prompt);
        var seen = await Task.WhenAll(ReadAsync(request, events: 40), ReadAsync(page, events: 40));
        await server.Kill9();
        await server.StartAsync();

        var id = View.Generation(seen[0][0].Id!);
        var running = await SseClient.AllAsync(request);
        (await server.Api.EndedAsync(id))["text"]!.GetValue<string>().ShouldBe(whole);
        var events = await SseClient.AllAsync(server.Api.Events(id));
        var reset = events.FindIndex(e => e.Type() == "reset");
        reset.ShouldBeGreaterThan(0);
        events[reset].Json()["attempt"]!.GetValue<int>().ShouldBe(2);
        View.NativeText(events.Skip(reset)).ShouldBe(whole);
        events.Count(View.IsNativeEnding).ShouldBe(1);

        // A page clears what it has.
        var rest = await SseClient.AllAsync(page.With("Last-Event-ID", seen[1][^1].Id!));
        var cleared = rest.FindIndex(e => e.Name == "reset");
        cleared.ShouldBeGreaterThanOrEqualTo(0);
        View.TokenText(rest.Skip(cleared)).ShouldBe(whole.AsSseText());

        // Chat Completions has no word for it: who has a part of what is void asks anew, and gets the whole and nothing else.
        using (var back = await SseClient.OpenAsync(request.With("Last-Event-ID", seen[0][^1].Id!))) back.Reply.Status.ShouldBe(409);
        foreach (var again in (List<SseEvent>[])[running, await SseClient.AllAsync(request)])
        {
            View.Generation(again[0].Id!).ShouldBe(id);
            View.ChatText(again).ShouldBe(whole);
            again.Count(View.IsDone).ShouldBe(1);
        }
    }

    [Theory]
    [InlineData("fail")]
    [InlineData("continue")] // OpenAI's models do not go on with a message of their own
    public async Task What_is_not_to_be_gone_on_with_keeps_its_text_and_nobody_is_asked_again(string policy)
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(4)));
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk").With("Generations:OnCrash", policy));
        var snapshot = await server.Api.EndedAsync(await KillUnderAsync(server, "up/m", "x-300", characters: 100));
        snapshot["status"]!.GetValue<string>().ShouldBe("interrupted");
        snapshot["text"]!.GetValue<string>().Length.ShouldBeGreaterThan(100);
        upstream.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_goes_on_with_each_server_is_whole_however_many_die()
    {
        await using var server = await PenstockProcess.StartAsync(Settings("continue"));
        const string Long = "simulated/chat?seed=7&tokens=400&tps=";
        var whole = (await server.Api.EndedAsync(await server.Api.StartAsync(Long + "0&ttft=0", Prompt)))["text"]!.GetValue<string>();
        var id = await server.Api.StartAsync(Long + "100", Prompt);
        for (var kill = 1; kill <= 4; kill++)
        {
            await Eventually.Is(async () => (await server.Api.SnapshotAsync(id))["text"]!.GetValue<string>().Length > kill * 50, "the answer goes on");
            await server.Kill9();
            await server.StartAsync();
        }

        (await server.Api.EndedAsync(id))["text"]!.GetValue<string>().ShouldBe(whole);
        (await SseClient.AllAsync(server.Api.Events(id))).Count(e => e.Type() == "attempt").ShouldBe(4);
    }

    [Fact]
    public async Task What_kills_its_server_again_and_again_is_given_up()
    {
        await using var server = await PenstockProcess.StartAsync(Settings("restart"));
        var id = await KillUnderAsync(server, Slow, Prompt, characters: 50);
        for (var kill = 0; kill < 2; kill++)
        {
            await server.Kill9();
            await server.StartAsync();
        }

        (await server.Api.EndedAsync(id))["status"]!.GetValue<string>().ShouldBe("interrupted");
    }

    private static PenstockSettings Settings(string policy) => new PenstockSettings().With("Storage:Kind", "disk").With("Generations:OnCrash", policy);

    private static async Task<string> WholeAsync(PenstockProcess server) =>
        (await server.Api.EndedAsync(await server.Api.StartAsync(Fast, Prompt)))["text"]!.GetValue<string>();

    /// <summary>Starts a generation, kills the server once it has said so much, and starts the server again.</summary>
    private static async Task<string> KillUnderAsync(PenstockProcess server, string model, string prompt, int characters)
    {
        var id = await server.Api.StartAsync(model, prompt);
        await Eventually.Is(async () => (await server.Api.SnapshotAsync(id))["text"]!.GetValue<string>().Length > characters, "the answer runs");
        await server.Kill9();
        await server.StartAsync();
        return id;
    }

    private static async Task<List<SseEvent>> ReadAsync(RawRequest request, int events)
    {
        using var client = await SseClient.OpenAsync(request);
        var seen = new List<SseEvent>();
        while (seen.Count < events && await client.NextAsync() is { } e) seen.Add(e);
        return seen;
    }
}
