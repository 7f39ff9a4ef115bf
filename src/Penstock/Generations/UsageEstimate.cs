using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>A guess at tokens where the provider said none.</summary>
internal static class UsageEstimate
{
    /// <summary>What was used where nobody was asked.</summary>
    public static readonly Usage None = new() { InputTokens = 0, OutputTokens = 0, TotalTokens = 0, Source = UsageSource.Provider };

    /// <summary>Tokens of the request's text; what its images and files cost is not guessed.</summary>
    public static long Input(GenerationRequest request)
    {
        var bytes = 0L;
        var messages = request.AllMessages;
        for (var i = 0; i < messages.Count; i++)
        {
            var parts = messages[i].Parts;
            for (var j = 0; j < parts.Count; j++) bytes += TokenEstimate.Bytes(parts[j]);
        }

        return TokenEstimate.Of(bytes);
    }

    /// <param name="input">Tokens of the request, or null where they are not known.</param>
    /// <param name="outputBytes">How much the model has said.</param>
    public static Usage Of(long? input, long outputBytes)
    {
        var output = TokenEstimate.Of(outputBytes);
        return new Usage { InputTokens = input, OutputTokens = output, TotalTokens = input + output, Source = UsageSource.Estimated };
    }

    /// <summary>What several attempts cost together; only part of it was said by a provider.</summary>
    public static Usage Add(Usage last, Usage? before) => before is null ? last : last with
    {
        InputTokens = last.InputTokens + (before.InputTokens ?? 0),
        OutputTokens = last.OutputTokens + (before.OutputTokens ?? 0),
        TotalTokens = last.TotalTokens + (before.InputTokens ?? 0) + (before.OutputTokens ?? 0),
        Source = last.Source == UsageSource.Estimated && before.Source == UsageSource.Estimated ? UsageSource.Estimated : UsageSource.Partial,
    };

    /// <summary>What several steps used together, each of which was whole.</summary>
    public static Usage Sum(Usage one, Usage other) => new()
    {
        InputTokens = Sum(one.InputTokens, other.InputTokens),
        OutputTokens = Sum(one.OutputTokens, other.OutputTokens),
        TotalTokens = Sum(one.TotalTokens, other.TotalTokens),
        CachedInputTokens = Sum(one.CachedInputTokens, other.CachedInputTokens),
        CacheWriteTokens = Sum(one.CacheWriteTokens, other.CacheWriteTokens),
        ReasoningTokens = Sum(one.ReasoningTokens, other.ReasoningTokens),
        Source = one.Source == other.Source ? one.Source : UsageSource.Partial,
    };

    private static long? Sum(long? one, long? other) => one is null && other is null ? null : (one ?? 0) + (other ?? 0);
}
