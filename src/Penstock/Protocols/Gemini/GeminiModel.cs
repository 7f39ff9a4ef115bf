namespace Penstock.Protocols.Gemini;

/// <summary>What models differ in, by their names.</summary>
internal static class GeminiModel
{
    /// <summary>Whether thinking is set by a level: from the third generation on.</summary>
    public static bool TakesLevels(string model) => Generation(model) >= 3;

    /// <summary>Whether a call in the history must carry a signature: from the third generation on.</summary>
    public static bool NeedsCallSignatures(string model) => Generation(model) >= 3;

    private static int Generation(string model)
    {
        var start = model.IndexOf("gemini-", StringComparison.OrdinalIgnoreCase);
        return start >= 0 && start + 7 < model.Length && char.IsAsciiDigit(model[start + 7]) ? model[start + 7] - '0' : 0;
    }
}
