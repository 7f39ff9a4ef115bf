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
}
