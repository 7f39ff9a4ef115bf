using Penstock.Generations;

namespace Penstock.Tests.Generations;

public sealed class CallIdTests
{
    private const string Generation = "gen_0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData(0)]
    [InlineData(int.MaxValue)]
    public void An_id_names_its_generation_and_block_and_is_no_longer_than_any_provider_takes(int block)
    {
        var id = CallId.Of(Generation, block);
        id.Length.ShouldBeLessThanOrEqualTo(64);
        id.ShouldAllBe(c => char.IsAsciiLetterOrDigit(c) || c == '_');
        CallId.TryParse(id, out var generation, out var found).ShouldBeTrue();
        (generation, found).ShouldBe((Generation, block));
    }

    [Theory]
    [InlineData("")]
    [InlineData("call_1")]
    [InlineData("call_0123456789abcdef0123456789abcdef")]
    [InlineData("call_0123456789abcdef0123456789abcdef_")]
    [InlineData("call_0123456789abcdef0123456789abcdef_-1")]
    [InlineData("call_0123456789abcdef0123456789abcdef_99999999999")]
    [InlineData("call_0123456789abcdeX0123456789abcdef_1")]
    [InlineData("fc_000123456789abcdef0123456789abcdef_1")]
    public void Anything_else_is_somebody_else_s(string id) => CallId.TryParse(id, out _, out _).ShouldBeFalse();
}
