using System.Text.Json.Nodes;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Every kind of answer in every pair: the client understands what the provider said, but for what the table in docs/protocols.md takes away.</summary>
public sealed class AnswerTests(PairHost pairs)
{
    internal const string Text = "One two \"three\"\n好 😀 four.";

    private static readonly Tokens _usage = new(12, 7);

    private static readonly Dictionary<string, Answer> _answers = new()
    {
        ["text"] = new() { Text = Text },
        ["empty"] = new(),
        ["reasoning then text"] = new() { Reasoning = "First I think \"hard\", 好 then", Text = Text },
        ["signed reasoning then text"] = new() { Reasoning = "I think so", ReasoningSignature = "c2lnLTE=", Text = Text },
        ["encrypted reasoning then text"] = new() { Redacted = "ZW5jLTE=", Text = Text },
        ["signed text"] = new() { Text = Text, TextSignature = "c2lnLTI=" },
        ["one tool call"] = new() { Calls = [Weather("call_1", "Oslo")], Stop = "calls" },
        ["text then a tool call"] = new() { Text = "Let me look. ", Calls = [Weather("call_1", "São \"Paulo\"\n😀")], Stop = "calls" },
        ["reasoning then a tool call"] = new() { Reasoning = "I must look", ReasoningSignature = "c2lnLTE=", Calls = [Weather("call_1", "Oslo")], Stop = "calls" },
        ["signed tool call"] = new() { Calls = [Weather("call_1", "Oslo") with { Signature = "c2lnLTM=" }], Stop = "calls" },
        ["parallel tool calls"] = new() { Calls = [Weather("call_1", "Oslo"), Weather("call_2", "Rome"), new("call_3", "time", "{}")], Stop = "calls" },
        ["tool without arguments"] = new() { Calls = [new("call_1", "time", "")], Stop = "calls" },
        ["tool of nested arguments"] = new() { Calls = [new("call_1", "plan", """{"a":{"b":[1,2.5,null,true,{"c":"d\\e"}]},"n":-1}""")], Stop = "calls" },
        ["refusal"] = new() { Refusal = "I cannot help with that." },
        ["filter"] = new() { Text = "One two ", Stop = "filter" },
        ["length"] = new() { Text = "One two ", Stop = "length" },
        ["sources"] = new() { Text = Text, Sources = ["https://example.com/a?b=c&d=%20", "https://example.org/"] },
        ["image made"] = new() { Text = "Here it is: ", Image = "iVBORw0KGgo=" },
        ["usage"] = new() { Text = Text, Usage = new(1200, 300) { Cached = 1000, Reasoning = 250 } },
        ["usage of a cache that was written"] = new() { Text = Text, Usage = new(1200, 300) { Cached = 400, CacheWrite = 600 } },
        ["zero usage"] = new() { Text = Text, Usage = new(0, 0) },
    };

    public static TheoryData<string, string, string, string> Cases =>
        [.. from pair in PairData.Pairs from way in PairData.WaysOf(pair.Client) from answer in _answers.Keys select (pair.Client, pair.Provider, way, answer)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task What_the_provider_says_is_what_the_client_understands(string client, string provider, string way, string answer)
    {
        var whole = _answers[answer];
        if (whole.Usage is null) whole = whole with { Usage = _usage };
        var said = LossTable.Sayable(whole, provider);
        var ask = pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(said), new Ask { Way = way, Tools = whole.Calls.Count > 0 ? ["weather", "time", "plan"] : [] });
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask);
        var got = reply.Answer();
        var expected = LossTable.Understood(said, client);
        ShouldHaveIds(got, client);
        if (expected.Redacted == LossTable.Carried && got.Redacted is { } carried && said.Calls.All(c => carried.Contains(c.Signature!, StringComparison.Ordinal))) got = got with { Redacted = LossTable.Carried };
        Masked(got, client, provider).ToString().ShouldBe(Masked(expected, client, provider).ToString(), reply.Body);
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task Structured_output_is_asked_for_and_comes_back_as_it_is(string client, string provider, string way)
    {
        const string Json = """{"city": "São Paulo \"好\""}""";
        var ask = pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(new Answer { Text = Json, Usage = _usage }), new Ask { Way = way, Structured = true });
        var got = (await pairs.AskAsync(ClientWire.Of(client), ask)).Answer();
        got.Text.ShouldBe(Json);
        JsonNode.Parse(got.Text)!["city"].Str().ShouldBe("São Paulo \"好\"");
        var call = await pairs.CallAsync(ask);
        ProviderWire.Of(provider).ReadRequest(call.Request!).Structured.ShouldBeTrue(call.Request!.ToJsonString());
    }

    internal static Call Weather(string id, string city) => new(id, "weather", new JsonObject { ["city"] = city }.ToJsonString());

    /// <summary>Where the provider gives calls no ids, a client that needs some gets some: any, but not the same twice.</summary>
    internal static void ShouldHaveIds(Answer answer, string client)
    {
        answer.Calls.Select(c => c.Id).Where(id => id.Length > 0).ShouldBeUnique();
        if (LossTable.Answers[("ids of tool calls", client)] == "yes") answer.Calls.ShouldAllBe(c => c.Id.Length > 0);
    }

    /// <summary>Without ids of calls, where they are of one side only.</summary>
    internal static Answer Masked(Answer answer, string client, string provider)
    {
        if (LossTable.Answers[("ids of tool calls", client)] == "yes" && LossTable.Answers[("ids of tool calls", provider)] == "yes") return answer;
        return answer with { Calls = [.. answer.Calls.Select(c => c with { Id = "" })] };
    }
}
