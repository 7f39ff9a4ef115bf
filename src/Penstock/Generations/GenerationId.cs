namespace Penstock.Generations;

/// <summary>A generation's name: <c>gen_</c> and 128 random bits in hex, so that nobody guesses another's.</summary>
public static class GenerationId
{
    private const string Prefix = "gen_";

    // What the protocols make of it.
    private static readonly string[] _prefixes = [Prefix, "chatcmpl-", "resp_", "msg_"];

    public static string New() => Prefix + RandomHex.New();

    /// <summary>Takes a generation's id, or the id that a protocol made of it (<c>chatcmpl-…</c>, <c>resp_…</c>, <c>msg_…</c>); null for anything else.</summary>
    public static string? Parse(ReadOnlySpan<char> text)
    {
        if (text.Length <= RandomHex.Length || !IsPrefix(text[..^RandomHex.Length])) return null;
        var hex = text[^RandomHex.Length..];
        return RandomHex.Is(hex) ? string.Concat(Prefix, hex) : null;
    }

    private static bool IsPrefix(ReadOnlySpan<char> text)
    {
        foreach (var prefix in _prefixes)
        {
            if (text.SequenceEqual(prefix)) return true;
        }

        return false;
    }
}
