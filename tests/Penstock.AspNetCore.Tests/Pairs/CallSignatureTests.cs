using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>
/// A provider that signs its calls gets the signatures back, though the client's library dropped them: the calls' ids lead to them.
/// </summary>
public sealed class CallSignatureTests(PairHost pairs)
{
    private static readonly ProviderWire _provider = ProviderWire.Of("gemini");

    public static TheoryData<string, string> Clients =>
        [.. from client in PairData.Protocols from way in PairData.WaysOf(client) where client != "gemini" select (client, way)];

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task A_signature_that_the_client_dropped_is_found_again(string client, string way)
    {
        var got = await CallsAsync(client, way);
        // What a library leaves of an answer that knows its own service's members only.
        var kept = got with { Calls = [.. got.Calls.Select(c => c with { Signature = null })], Redacted = null, Raw = null };
        (await SignaturesAsync(client, way, kept)).ShouldBe(["c2lnLTM=", null]);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task A_signature_that_the_client_kept_is_not_said_twice(string client, string way) =>
        (await SignaturesAsync(client, way, await CallsAsync(client, way))).ShouldBe(["c2lnLTM=", null]);

    [Fact]
    public async Task A_call_of_a_generation_that_nobody_knows_stays_as_it_is()
    {
        var call = new Call($"call_{new string('0', 32)}_1", "weather", "{}");
        (await SignaturesAsync("responses", "stream", new Answer { Calls = [call], Stop = "calls" })).ShouldBe([null]);
    }

    /// <summary>A signed call, which has an id of the provider's, and one without either.</summary>
    private async Task<Answer> CallsAsync(string client, string way)
    {
        const string Parts = """{"functionCall":{"id":"8f2b1a3c","name":"weather","args":{"city":"Oslo"}},"thoughtSignature":"c2lnLTM="},{"functionCall":{"name":"weather","args":{"city":"Rome"}}}""";
        const string Whole = $$"""{"candidates":[{"content":{"parts":[{{Parts}}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"scripted-1"}""";
        var ask = pairs.Prepare(_provider, call => call.Sse(Whole), new Ask { Way = way, Tools = ["weather"] });
        var got = (await pairs.AskAsync(ClientWire.Of(client), ask)).Answer();
        got.Calls.Select(c => c.Id).ShouldBeUnique();
        return got;
    }

    /// <summary>The signatures of the calls as they reach the provider in the next turn.</summary>
    private async Task<IEnumerable<string?>> SignaturesAsync(string client, string way, Answer said)
    {
        Turn[] turns = [new UserTurn("Say something."), new AssistantTurn(said), .. said.Calls.Select(c => new ResultTurn(c.Id, c.Name, "Rain."))];
        var ask = pairs.Prepare(_provider, _provider.Script(new Answer { Text = "Done." }), new Ask { Way = way, Tools = ["weather"], Turns = turns });
        (await pairs.AskAsync(ClientWire.Of(client), ask)).Answer().Text.ShouldBe("Done.");
        var parts = (await pairs.CallAsync(ask)).Request!["contents"].Items().SelectMany(c => c["parts"].Items()).ToList();
        parts.Count(p => p["thoughtSignature"] is not null).ShouldBeLessThanOrEqualTo(1);
        return parts.Where(p => p["functionCall"] is not null).Select(p => p["thoughtSignature"].StrOrNull());
    }
}
