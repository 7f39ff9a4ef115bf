using System.Text;
using System.Text.Json.Serialization;
using Penstock.Generations;
using Penstock.Limits;
using Penstock.Protocols;
using Penstock.Protocols.History;

namespace Penstock.Tests.Generations;

public sealed class GenerationMetadataTests
{
    [Fact]
    public void All_that_a_label_says_is_read_again()
    {
        var label = new GenerationMetadata("responses", Stream: true, IncludeUsage: true, Choices: 2, "m", "up/m")
        {
            Owner = "alice",
            GraceSeconds = 5,
            Queued = true,
            KeepsRequest = true,
            InputEstimate = 7,
            Limits = new LimitTerms(new Payer("alice", []), "up/m", 1, 2, 3),
            Conversation = "conv_1",
            SummaryFor = "gen_1",
            Budget = new HistoryBudget(8, 7, UsageSource.Provider) { Scale = 1.5 },
            Dropped = ["seed"],
            TraceParent = "00-1",
            Echo = Encoding.UTF8.GetBytes("""{"a":1}"""),
        };
        var properties = typeof(GenerationMetadata).GetProperties().Where(p => !p.IsDefined(typeof(JsonIgnoreAttribute), inherit: false) || p.CanWrite).ToList();
        properties.Count.ShouldBeGreaterThan(14);
        var read = GenerationMetadata.Read(label.ToBytes());
        foreach (var property in properties)
        {
            var nothing = property.PropertyType.IsValueType ? Activator.CreateInstance(property.PropertyType) : null;
            property.GetValue(label).ShouldNotBe(nothing, $"say something of {property.Name} here");
            property.GetValue(read).ShouldNotBe(nothing, property.Name);
        }

        Encoding.UTF8.GetString(read.ToBytes()).ShouldBe(Encoding.UTF8.GetString(label.ToBytes()));
    }

    [Fact]
    public void Half_a_surrogate_pair_in_a_model_s_name_spoils_no_label()
    {
        var label = new GenerationMetadata("native", Stream: true, IncludeUsage: false, Choices: 1, "up/\ud83d \"\ud83d\ude00\"", "up/m");
        GenerationMetadata.Read(label.ToBytes()).RequestedModel.ShouldBe("up/\ufffd \"\ud83d\ude00\"");
    }

    [Theory]
    [InlineData(10, "10")]
    [InlineData(0.1, "0.1")]
    [InlineData(1e-7, "1E-07")]
    [InlineData(1e20, "1E+20")]
    public void A_grace_of_any_length_is_read_again(double seconds, string written)
    {
        var label = new GenerationMetadata("native", Stream: true, IncludeUsage: false, Choices: 1, "m", "up/m") { GraceSeconds = seconds };
        Encoding.UTF8.GetString(label.ToBytes()).ShouldContain($"\"graceSeconds\":{written}}}");
        GenerationMetadata.Read(label.ToBytes()).GraceSeconds.ShouldBe(seconds);
    }

    [Fact]
    public void All_limits_that_it_runs_within_are_read_again()
    {
        var all = new LimitSettings { RequestsPerMinute = 1, TokensPerMinute = 2, Streams = 3, TokensPerStream = 4, SecondsPerStream = 5, BudgetPerDay = 0.5m, BudgetPerMonth = 7 };
        foreach (var property in typeof(LimitSettings).GetProperties()) property.GetValue(all).ShouldNotBeNull($"say something of {property.Name} here");
        var terms = new LimitTerms(new Payer("alice", [new Account("key:a", all), new Account("owner:alice", new LimitSettings { Streams = 0 })]), "up/m", 8, 9, 10);
        var label = new GenerationMetadata("native", Stream: true, IncludeUsage: false, Choices: 1, "m", "up/m") { Limits = terms };

        var text = Encoding.UTF8.GetString(label.ToBytes());
        text.ShouldContain(
            """
            "limits":{"payer":{"owner":"alice","accounts":[{"name":"key:a","limits":{"requestsPerMinute":1,"tokensPerMinute":2,"streams":3,"tokensPerStream":4,"secondsPerStream":5,"budgetPerDay":0.5,"budgetPerMonth":7}},{"name":"owner:alice","limits":{"streams":0}}]},"model":"up/m","inputTokens":8,"outputTokens":9,"tokenMoney":10}
            """);
        foreach (var stored in new[] { text, text.Replace("\"payer\":{", "\"later\":[{}],\"payer\":{\"later\":{\"owner\":1},", StringComparison.Ordinal) })
        {
            var read = GenerationMetadata.Read(Encoding.UTF8.GetBytes(stored)).Limits.ShouldNotBeNull();
            (read with { Payer = terms.Payer }).ShouldBe(terms);
            read.Payer.Owner.ShouldBe("alice");
            read.Payer.Accounts.ShouldBe(terms.Payer.Accounts);
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"payer":{"accounts":null},"model":"m"}""")]
    [InlineData("""{"payer":{"accounts":[{"limits":{}}]},"model":"m"}""")]
    [InlineData("""{"payer":{"accounts":[{"name":"key:a","limits":{"streams":"many"}}]},"model":"m"}""")]
    public void Limits_that_are_none_of_ours_are_no_label(string limits)
    {
        GenerationMetadata.TryRead(Encoding.UTF8.GetBytes($$"""{"protocol":"native","model":"m","limits":{{limits}}}""")).ShouldBeNull();
        GenerationMetadata.TryRead("""{"protocol":"native","model":"m"}"""u8.ToArray()).ShouldNotBeNull();
    }
}
