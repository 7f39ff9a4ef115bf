using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.Tests.Generations;

public sealed class DisconnectPolicyTests
{
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(5);

    [Fact]
    public void It_is_read_from_words()
    {
        DisconnectPolicy.Parse("detach", _grace, "p").ShouldBe(DisconnectPolicy.Detach);
        DisconnectPolicy.Parse("cancel", _grace, "p").ShouldBe(DisconnectPolicy.Cancel);
        DisconnectPolicy.Parse("grace", _grace, "p").Grace.ShouldBe(_grace);
        DisconnectPolicy.Parse(" grace  0.5 ", _grace, "p").Grace.ShouldBe(TimeSpan.FromSeconds(0.5));
    }

    [Theory]
    [InlineData("")]
    [InlineData("stay")]
    [InlineData("Detach")]
    [InlineData("grace soon")]
    [InlineData("grace -1")]
    [InlineData("grace 86401")]
    [InlineData("detach 5")]
    public void Other_words_are_refused_with_the_field_named(string words) =>
        Should.Throw<RequestException>(() => DisconnectPolicy.Parse(words, _grace, "onDisconnect")).Param.ShouldBe("onDisconnect");
}
