using System.Diagnostics;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Limits;

/// <summary>An answer that meets a limit ends as one that got too long, in every pair of protocols, and the provider is given up.</summary>
public sealed class CutByLimitTests(LimitedHosts hosts) : IClassFixture<LimitedHosts>
{
    private const string Words = "One two three four five six seven eight nine ten eleven twelve.";

    private readonly PairHost _short = hosts.Short;
    private readonly PairHost _quick = hosts.Quick;

    public static TheoryData<string, string, string> Streaming => [.. from p in PairData.Pairs from way in PairData.WaysOf(p.Client) where way != "document" select (p.Client, p.Provider, way)];

    [Theory]
    [MemberData(nameof(Streaming))]
    public async Task One_of_as_many_tokens_as_allowed_ends(string client, string provider, string way)
    {
        var wire = ProviderWire.Of(provider);
        var ask = _short.Prepare(wire, async call =>
        {
            foreach (var payload in wire.Until(new Answer { Text = Words }, "eleven")) await call.Write(wire.Frames([payload]));
            await call.Hold();
        }, new Ask { Way = way });
        var reply = await _short.AskAsync(ClientWire.Of(client), ask);
        var answer = Read(reply, provider);
        answer.Text.ShouldBe("One two three four five "); // with the 20th character a fifth token is there, and nothing begins any more
        answer.Stop.ShouldBe("length");
        answer.Complete.ShouldBeTrue();
        answer.Error.ShouldBeNull();
        await Eventually.Completes((await _short.CallAsync(ask)).Closed, "the provider's call ends");
        var snapshot = await _short.Api.EndedAsync(reply.Headers["Penstock-Generation"]);
        ((string)snapshot["status"]!, (string)snapshot["stopReason"]!).ShouldBe(("stopped", "token_limit"));
        ((string)snapshot["usage"]!["source"]!).ShouldBeOneOf("partial", "estimated");
        // And who reads it in another protocol is told the same.
        var events = await SseClient.AllAsync(_short.Api.Get($"v1/generations/{reply.Headers["Penstock-Generation"]}/events?protocol={client}"));
        ClientWire.Of(client).ReadStream(events, strict: false).Stop.ShouldBe("length");
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task A_call_that_is_cut_is_not_said_to_be_whole(string client, string provider)
    {
        if (provider == "gemini") return; // which gives its calls whole
        var wire = ProviderWire.Of(provider);
        var said = new Answer { Text = "Let me see it. ", Calls = [new Call("call_1", "mail", $$"""{"city":"{{new string('x', 60)}}"}""")], Stop = "calls" };
        var ask = _short.Prepare(wire, call => call.Write(wire.Frames(wire.Stream(said))), new Ask { Tools = ["mail"] });
        var reply = await _short.AskAsync(ClientWire.Of(client), ask);
        ClientWire.Of(client).ReadStream(reply.Events, strict: false).Stop.ShouldBe("length");
        reply.Body.ShouldNotContain("function_call_arguments.done");
    }

    [Theory]
    [InlineData("chat-completions", "messages")]
    [InlineData("responses", "chat-completions")]
    [InlineData("messages", "messages")]
    [InlineData("gemini", "responses")]
    public async Task One_of_as_many_seconds_as_allowed_ends(string client, string provider)
    {
        var wire = ProviderWire.Of(provider);
        var ask = _quick.Prepare(wire, async call =>
        {
            await call.Write(wire.Frames(wire.Until(new Answer { Text = Words }, "three")));
            await call.Hold();
        });
        var took = Stopwatch.StartNew();
        var reply = await _quick.AskAsync(ClientWire.Of(client), ask);
        took.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(0.9));
        var answer = reply.Answer();
        (answer.Text, answer.Stop, answer.Complete).ShouldBe(("One two three ", "length", true));
        await Eventually.Completes((await _quick.CallAsync(ask)).Closed, "the provider's call ends");
        ((string)(await _quick.Api.EndedAsync(reply.Headers["Penstock-Generation"]))["stopReason"]!).ShouldBe("time_limit");
    }

    // Where a provider's own events are passed on, what it has not ended stays open, and the ending is ours.
    private static Answer Read(PairReply reply, string provider) =>
        reply.Client.Name == provider ? reply.Client.ReadStream(reply.Events, strict: false) : reply.Answer();
}

/// <summary>Two servers: one of short answers, one of quick ones.</summary>
public sealed class LimitedHosts : IAsyncLifetime
{
    public PairHost Short { get; } = new() { Settings = [("Limits:PerOwner:TokensPerStream", "5")] };

    public PairHost Quick { get; } = new() { Settings = [("Limits:PerOwner:SecondsPerStream", "1")] };

    public async ValueTask InitializeAsync()
    {
        await Short.InitializeAsync();
        await Quick.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Short.DisposeAsync();
        await Quick.DisposeAsync();
    }
}
