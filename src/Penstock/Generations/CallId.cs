using System.Globalization;
using Penstock.Protocols;

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

    public static string Of(string generationId, int block) => $"{ProtocolId.Of(Prefix, generationId)}_{block}";

    public static bool TryParse(ReadOnlySpan<char> id, out string generationId, out int block)
    {
        (generationId, block) = ("", 0);
        var end = Prefix.Length + HexLength;
        if (id.Length <= end + 1 || !id.StartsWith(Prefix, StringComparison.Ordinal) || id[end] != '_') return false;
        if (GenerationId.Parse($"gen_{id[Prefix.Length..end]}") is not { } found || !int.TryParse(id[(end + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out block)) return false;
        generationId = found;
        return true;
    }
}
