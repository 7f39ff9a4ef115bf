using System.IO.Enumeration;
using Penstock.Protocols;

namespace Penstock.Limits;

/// <summary>What a million tokens of a model cost, in whatever currency the budgets are in.</summary>
public sealed record ModelPrice
{
    /// <summary>An alias or <c>provider/model</c>, with <c>*</c> for anything.</summary>
    public string Model { get; set; } = "";

    public decimal Input { get; set; }

    public decimal Output { get; set; }

    /// <summary>Of the input, what came from the provider's cache; as <see cref="Input"/> unless set.</summary>
    public decimal? CachedInput { get; set; }

    /// <summary>Of the output, what was reasoning; as <see cref="Output"/> unless set.</summary>
    public decimal? Reasoning { get; set; }

    internal bool IsFor(string model) => FileSystemName.MatchesSimpleExpression(Model, model);

    /// <summary>What an answer has cost, in the units of <see cref="Money"/>.</summary>
    internal long Of(Usage usage)
    {
        var (input, output) = (usage.InputTokens ?? 0, usage.OutputTokens ?? 0);
        var cached = Math.Min(input, usage.CachedInputTokens ?? 0);
        var reasoning = Math.Min(output, usage.ReasoningTokens ?? 0);
        return Money.Sum(
            Money.Of(input - cached, Input) + Money.Of(cached, CachedInput ?? Input) + Money.Of(output - reasoning, Output) + Money.Of(reasoning, Reasoning ?? Output));
    }

    /// <summary>The most that a request and an answer of so many tokens can cost.</summary>
    internal long AtMost(long input, long output) => Money.Sum(Money.Of(input, Math.Max(Input, CachedInput ?? 0)) + Money.Of(output, Math.Max(Output, Reasoning ?? 0)));
}
