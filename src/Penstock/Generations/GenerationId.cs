using System.Buffers;
using System.Security.Cryptography;

namespace Penstock.Generations;

/// <summary>A generation's name: <c>gen_</c> and 128 random bits in hex, so that nobody guesses another's.</summary>
public static class GenerationId
{
    private const string Prefix = "gen_";
    private const int HexLength = 32;

    // What the protocols make of it.
    private static readonly string[] _prefixes = [Prefix, "chatcmpl-", "resp_", "msg_"];

    private static readonly SearchValues<char> _hex = SearchValues.Create("0123456789abcdef");

    public static string New() => Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(HexLength / 2));

    /// <summary>Takes a generation's id, or the id that a protocol made of it (<c>chatcmpl-…</c>, <c>resp_…</c>, <c>msg_…</c>); null for anything else.</summary>
    public static string? Parse(ReadOnlySpan<char> text)
    {
        if (text.Length <= HexLength || !IsPrefix(text[..^HexLength])) return null;
        var hex = text[^HexLength..];
        return hex.ContainsAnyExcept(_hex) ? null : string.Concat(Prefix, hex);
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
