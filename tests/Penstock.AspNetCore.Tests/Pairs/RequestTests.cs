using System.Text.Json.Nodes;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>What a request says reaches the provider, is named as dropped, or is refused by name, just as the table in docs/protocols.md has it.</summary>
public sealed class RequestTests(PairHost pairs)
{
    public static TheoryData<string, string, string> Features =>
        [.. from feature in RequestFeature.All.Values from pair in PairData.Pairs where feature.Say.ContainsKey(pair.Client) select (pair.Client, pair.Provider, feature.Name)];

    [Fact]
    public void The_tables_name_what_is_tried_here_and_nothing_else()
    {
        LossTable.Features(LossTable.Requests).ShouldBe(RequestFeature.All.Keys, ignoreOrder: true);
        LossTable.Features(LossTable.Answers).ShouldBe(LossTable.Known.Keys, ignoreOrder: true);
        foreach (var (cell, mark) in LossTable.Answers) mark.ShouldBeOneOf(LossTable.Known[cell.Feature]);
        LossTable.Requests.Keys.Select(k => k.Protocol).Distinct().ShouldBe(PairData.Protocols, ignoreOrder: true);
        LossTable.Answers.Keys.Select(k => k.Protocol).Distinct().ShouldBe(PairData.Protocols, ignoreOrder: true);
    }

    [Theory]
    [MemberData(nameof(Features))]
    public async Task What_is_asked_is_said_dropped_or_refused_as_the_table_says(string client, string provider, string feature)
    {
        var tried = RequestFeature.All[feature];
        var wire = ProviderWire.Of(provider);
        var ask = pairs.Prepare(wire, wire.Script(new Answer { Text = "One.", Usage = new(3, 4) }), new Ask { Way = feature == "several answers" ? "document" : "stream", Tools = tried.NeedsTools ? ["weather", "time", "plan"] : [] });
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask, tried.Say[client]);
        var mark = client == provider ? "yes" : LossTable.Requests[(feature, provider)];
        switch (mark)
        {
            case "yes":
                if (feature != "several answers") reply.Answer().Text.ShouldBe("One.");
                var body = (await pairs.CallAsync(ask)).Request!;
                tried.See[provider](body).ShouldBeTrue(body.ToJsonString());
                break;
            case "dropped":
                reply.Answer().Text.ShouldBe("One.");
                reply.Dropped.ShouldNotBeEmpty();
                break;
            case "400":
                reply.Status.ShouldBe(400, pairs.WasCalled(ask) ? (await pairs.CallAsync(ask)).Request!.ToJsonString() : reply.Body);
                reply.Error().ShouldContain("'");
                pairs.WasCalled(ask).ShouldBeFalse();
                break;
            default:
                throw new InvalidOperationException($"The table says '{mark}'.");
        }
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task A_field_that_nobody_knows_reaches_its_own_protocol_and_is_named_to_the_others(string client, string provider)
    {
        var wire = ProviderWire.Of(provider);
        var ask = pairs.Prepare(wire, wire.Script(new Answer { Text = "One.", Usage = new(3, 4) }));
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask, body => body["xUnknown"] = JsonNode.Parse("""{"a": [1, 2.50]}"""));
        reply.Answer().Text.ShouldBe("One.");
        var sent = (await pairs.CallAsync(ask)).Request!;
        if (client == provider) sent["xUnknown"]!.ToJsonString().ShouldBe("""{"a":[1,2.50]}""");
        else sent["xUnknown"].ShouldBeNull();
        reply.Dropped.Contains("xUnknown", StringComparison.Ordinal).ShouldBe(client != provider, reply.Dropped);
    }
}
