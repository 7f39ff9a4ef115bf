namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>Conversations: what a client sends of earlier turns reaches the provider, and a provider gets back what it said itself.</summary>
public sealed class HistoryTests(PairHost pairs)
{
    private const string Png = "iVBORw0KGgo=";

    private static readonly Dictionary<string, Answer> _said = new()
    {
        ["a call"] = new() { Text = "Let me look.", Calls = [AnswerTests.Weather("call_1", "Oslo")], Stop = "calls" },
        ["signed reasoning and parallel calls"] = new()
        {
            Reasoning = "I must look twice",
            ReasoningSignature = "c2lnLTE=",
            Text = "Let me look.",
            Calls = [AnswerTests.Weather("call_1", "Oslo"), AnswerTests.Weather("call_2", "São \"Paulo\"")],
            Stop = "calls",
        },
        ["encrypted reasoning and a call"] = new() { Redacted = "ZW5jLTE=", Calls = [AnswerTests.Weather("call_1", "Oslo")], Stop = "calls" },
        ["a signed call without arguments"] = new() { Calls = [new Call("call_1", "time", "") { Signature = "c2lnLTM=" }], Stop = "calls" },
        ["signed text"] = new() { Text = "One two three.", TextSignature = "c2lnLTI=" },
    };

    public static TheoryData<string, string, string, string> Said =>
        [.. from pair in PairData.Pairs from way in PairData.WaysOf(pair.Client) from answer in _said.Keys select (pair.Client, pair.Provider, way, answer)];

    [Theory]
    [MemberData(nameof(Said))]
    public async Task What_a_provider_said_comes_back_to_it_with_the_results(string client, string provider, string way, string answer)
    {
        var said = LossTable.Sayable(_said[answer], provider) with { Usage = new Tokens(3, 4) };
        string[] tools = ["weather", "time"];
        var first = pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(said), new Ask { Way = way, Tools = tools });
        var got = (await pairs.AskAsync(ClientWire.Of(client), first)).Answer();

        var results = got.Calls.Select((c, i) => new ResultTurn(c.Id, c.Name, $"It is {i} degrees.")).ToList();
        Turn[] turns = [new UserTurn("Say something."), new AssistantTurn(got), .. results, .. results.Count > 0 ? [] : new[] { new UserTurn("And now?") }];
        var second = pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(new Answer { Text = "Done." }), new Ask { Way = way, Tools = tools, Turns = turns });
        (await pairs.AskAsync(ClientWire.Of(client), second)).Answer().Text.ShouldBe("Done.");

        var body = (await pairs.CallAsync(second)).Request!;
        var reached = ProviderWire.Of(provider).ReadRequest(body);
        reached.Tools.ShouldBe(tools);
        Turn[] expected =
        [
            new UserTurn("Say something."),
            new AssistantTurn(said),
            .. said.Calls.Select((c, i) => new ResultTurn(c.Id, c.Name, $"It is {i} degrees.")),
            .. results.Count > 0 ? [] : new[] { new UserTurn("And now?") },
        ];
        Lines(reached.Turns, client, provider).ShouldBe(Lines(expected, client, provider), body.ToJsonString());
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task A_conversation_of_many_turns_reaches_the_provider(string client, string provider, string way)
    {
        Turn[] turns =
        [
            new UserTurn("What is the weather in \"Oslo\" 好?"),
            new AssistantTurn(new Answer { Text = "Let me look.", Calls = [AnswerTests.Weather("call_1", "Oslo"), AnswerTests.Weather("call_2", "Rome")], Stop = "calls" }),
            new ResultTurn("call_1", "weather", "It rains."),
            new ResultTurn("call_2", "weather", "{\"sun\": true}"),
            new AssistantTurn(new Answer { Text = "Rain and sun." }),
            new UserTurn("Thanks, and tomorrow?"),
        ];
        var ask = pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(new Answer { Text = "Snow.", Usage = new(3, 4) }),
            new Ask { Way = way, System = "Be brief.\nBe \"kind\".", Tools = ["weather"], Turns = turns });
        (await pairs.AskAsync(ClientWire.Of(client), ask)).Answer().Text.ShouldBe("Snow.");
        var call = await pairs.CallAsync(ask);
        var reached = ProviderWire.Of(provider).ReadRequest(call.Request!);
        reached.System.ShouldBe("Be brief.\nBe \"kind\".");
        reached.Tools.ShouldBe(["weather"]);
        Lines(reached.Turns, client, provider).ShouldBe(Lines(turns, client, provider), call.Request!.ToJsonString());
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task An_image_in_base64_reaches_the_provider(string client, string provider, string way) =>
        (await ImageAsync(client, provider, way, Png)).ShouldBe(Png);

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task The_address_of_an_image_reaches_the_provider(string client, string provider, string way) =>
        (await ImageAsync(client, provider, way, "https://example.com/a.png?b=c&d=%20")).ShouldBe("https://example.com/a.png?b=c&d=%20");

    private async Task<string?> ImageAsync(string client, string provider, string way, string image)
    {
        var ask = pairs.Prepare(ProviderWire.Of(provider), ProviderWire.Of(provider).Script(new Answer { Text = "A river." }),
            new Ask { Way = way, Turns = [new UserTurn("What is this?") { Image = image }] });
        (await pairs.AskAsync(ClientWire.Of(client), ask)).Answer().Text.ShouldBe("A river.");
        var turn = ProviderWire.Of(provider).ReadRequest((await pairs.CallAsync(ask)).Request!).Turns.ShouldHaveSingleItem().ShouldBeOfType<UserTurn>();
        turn.Text.ShouldBe("What is this?");
        return turn.Image;
    }

    /// <summary>Where one side needs no ids, results are told apart by their functions.</summary>
    private static string Lines(IEnumerable<Turn> turns, string client, string provider)
    {
        var ids = LossTable.Answers[("ids of tool calls", client)] == "yes" && LossTable.Answers[("ids of tool calls", provider)] == "yes";
        return string.Join('\n', turns.Select(t => ids ? t : t switch
        {
            AssistantTurn said => new AssistantTurn(said.Said with { Calls = [.. said.Said.Calls.Select(c => c with { Id = "" })] }),
            ResultTurn result => result with { Id = "" },
            _ => t,
        }));
    }
}
