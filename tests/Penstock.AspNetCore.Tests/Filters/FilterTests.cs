using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;
using Tokens = Penstock.AspNetCore.Tests.Pairs.Tokens;

namespace Penstock.AspNetCore.Tests.Filters;

/// <summary>What the filters name is in no reply and in no log, in every pair of protocols.</summary>
public sealed class FilterTests : IAsyncLifetime
{
    private const string Secret = "ann@example.org";

    private static readonly Tokens _usage = new(3, 4);

    private readonly PairHost _masks = new() { Settings = [("Filters:0:Builtin", "emails"), ("Filters:1:Name", "word"), ("Filters:1:Pattern", @"\bPassw[oö]rd\b")] };
    private readonly PairHost _stops = new() { Settings = [("Filters:0:Builtin", "emails"), ("Filters:0:Action", "stop")] };

    public async ValueTask InitializeAsync()
    {
        await _masks.InitializeAsync();
        await _stops.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _masks.DisposeAsync();
        await _stops.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task A_match_is_masked_wherever_the_tokens_split_it(string client, string provider)
    {
        const string Text = $"Ask {Secret}, she has the Passwörd.";
        for (var at = 1; at < Text.Length; at++)
        {
            var said = new Answer { Text = Text.Insert(at, ProviderWire.Split), Reasoning = $"Is it {Secret.Insert(at % Secret.Length, ProviderWire.Split)}?", Usage = _usage };
            var reply = await AskAsync(_masks, client, provider, said);
            var answer = reply.Answer();
            answer.Text.ShouldBe("Ask [emails], she has the [word].", $"split at {at}");
            answer.Reasoning.ShouldBe("Is it [emails]?");
            answer.Stop.ShouldBe("stop");
            answer.Usage.ShouldBe(_usage);
            reply.Body.ShouldNotContain("example.org");
            if (at % 10 == 1) (await LogAsync(_masks, reply)).ShouldNotContain("example.org");
        }
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task What_is_not_named_comes_as_it_was_said(string client, string provider, string way)
    {
        var call = new Call("call_1", "mail", $$"""{"city":"{{Secret}}"}""");
        var said = new Answer { Text = "a@b, 😀 \"quoted\"\n\\ and 好.", Calls = [call], Stop = "calls", Usage = _usage };
        var answer = (await AskAsync(_masks, client, provider, said, way)).Answer();
        answer.Text.ShouldBe(said.Text);
        answer.Calls.ShouldHaveSingleItem().Arguments.ShouldContain(Secret); // it is for a program
        answer.Stop.ShouldBe("calls");
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task A_filter_can_end_the_answer(string client, string provider, string way)
    {
        var wire = ProviderWire.Of(provider);
        var said = new Answer { Text = $"Ask {Secret}, she knows. And so on.", Usage = _usage };
        var ask = _stops.Prepare(wire, wire.Script(said), new Ask { Way = way });
        var reply = await _stops.AskAsync(ClientWire.Of(client), ask);
        var answer = reply.Answer();
        answer.Text.ShouldBe("Ask ");
        answer.Stop.ShouldBe("filter");
        answer.Complete.ShouldBeTrue();
        answer.Error.ShouldBeNull();
        reply.Body.ShouldNotContain("ann@");
        var log = await LogAsync(_stops, reply);
        log.ShouldNotContain("ann@");
        log.ShouldContain("content_filter");
    }

    [Fact]
    public async Task A_filter_that_ends_the_answer_ends_the_call()
    {
        var ask = _stops.Prepare(new ChatProvider(), async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text($"Ask {Secret}, ")]);
            await call.Hold();
        });
        (await _stops.AskAsync(new ChatClient(), ask)).Answer().Stop.ShouldBe("filter");
        await Eventually.Completes((await _stops.CallAsync(ask)).Closed, "the upstream is given up");
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task What_cannot_become_a_match_does_not_wait(string client, string provider)
    {
        var wire = ProviderWire.Of(provider);
        var ask = _masks.Prepare(wire, async call =>
        {
            await call.Write(wire.Frames(wire.Until(new Answer { Text = "One two three four." }, "three")));
            await call.Hold();
        });
        using var stream = await SseClient.OpenAsync(ClientWire.Of(client).Request(_masks.Api, ask).With("Penstock-On-Disconnect", "cancel"));
        while (!(await stream.NextAsync())!.Data.Contains("two", StringComparison.Ordinal))
        {
        }

        stream.Cut();
        await Eventually.Completes((await _masks.CallAsync(ask)).Closed, "the upstream is given up");
    }

    private static async Task<PairReply> AskAsync(PairHost host, string client, string provider, Answer said, string way = "stream")
    {
        var wire = ProviderWire.Of(provider);
        return await host.AskAsync(ClientWire.Of(client), host.Prepare(wire, wire.Script(said), new Ask { Way = way, Tools = ["mail"] }));
    }

    private static async Task<string> LogAsync(PairHost host, PairReply reply)
    {
        using var http = new HttpClient { BaseAddress = host.Url };
        return await http.GetStringAsync($"v1/stream/generations/{reply.Headers["Penstock-Generation"]}?offset=-1");
    }
}
