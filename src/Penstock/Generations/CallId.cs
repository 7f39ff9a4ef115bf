using System.Globalization;

namespace Penstock.Generations;

/// <summary>
/// The ids of tool calls that came without one, <c>call_&lt;32 hex&gt;_&lt;block&gt;</c>: clients send a call's id back with its result,
/// and this one leads back to the generation and the block that made the call.
/// </summary>
internal static class CallId
{
    // OpenAI takes 64 characters, Anthropic letters, digits, '_' and '-'.
    private const string Prefix = "call_";
    private const int HexLength = 32;

    public static string Of(string generationId, int block) => $"{Prefix}{generationId.AsSpan(generationId.IndexOf('_') + 1)}_{block}";

    public static bool TryParse(ReadOnlySpan<char> id, out string generationId, out int block)
    {
        (generationId, block) = ("", 0);
        const int Start = 5, End = Start + HexLength;
        if (id.Length <= End + 1 || !id.StartsWith(Prefix, StringComparison.Ordinal) || id[End] != '_') return false;
        if (GenerationId.Parse($"gen_{id[Start..End]}") is not { } found || !int.TryParse(id[(End + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out block)) return false;
        generationId = found;
        return true;
    }
}
