using Penstock.Generations;

namespace Penstock.Tests.Generations;

public sealed class GenerationIdTests
{
    [Fact]
    public void An_id_is_128_random_bits_that_fit_an_event_id()
    {
        var ids = Draw();
        ids.ShouldAllBe(id => id.Length == 36 && GenerationId.Parse(id) == id);
    }

    [Fact]
    public void No_two_are_alike_whoever_draws_them() => // they are drawn many at once, by each thread for itself
        Enumerable.Range(0, 16).AsParallel().WithDegreeOfParallelism(8).SelectMany(_ => Draw()).ToHashSet(StringComparer.Ordinal).Count.ShouldBe(16_000);

    private static string[] Draw() => [.. Enumerable.Range(0, 1000).Select(_ => GenerationId.New())];

    [Theory]
    [InlineData("gen_0123456789abcdef0123456789abcdef")]
    [InlineData("chatcmpl-0123456789abcdef0123456789abcdef")]
    public void An_id_that_a_protocol_made_names_the_same_generation(string text) =>
        GenerationId.Parse(text).ShouldBe("gen_0123456789abcdef0123456789abcdef");

    [Theory]
    [InlineData("")]
    [InlineData("gen_")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("gen_0123456789ABCDEF0123456789abcdef")]
    [InlineData("gen_0123456789abcdef0123456789abcde")]
    [InlineData("job_0123456789abcdef0123456789abcdef")]
    [InlineData("gen_../6789abcdef0123456789abcdef0123")]
    public void Anything_else_names_none(string text) => GenerationId.Parse(text).ShouldBeNull();
}
