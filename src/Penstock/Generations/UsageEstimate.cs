using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>A guess at tokens where the provider said none: about four characters each, which English averages.</summary>
internal static class UsageEstimate
{
    public static Usage Of(GenerationRequest request, long outputBytes)
    {
        var input = Tokens(request.Messages.Sum(m => m.Parts.Sum(p => (long)(p.Text?.Length ?? 0))));
        var output = Tokens(outputBytes);
        return new Usage { InputTokens = input, OutputTokens = output, TotalTokens = input + output, Source = UsageSource.Estimated };
    }

    private static long Tokens(long characters) => (characters + 3) / 4;
}
