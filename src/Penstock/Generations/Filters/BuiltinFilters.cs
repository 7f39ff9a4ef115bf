namespace Penstock.Generations.Filters;

/// <summary>The patterns that come with Penstock.</summary>
internal static class BuiltinFilters
{
    /// <returns>How many characters of a match are one, from its beginning; 0 for none.</returns>
    public delegate int Check(ReadOnlySpan<char> match);

    // The formats that secret scanners know: https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
    private static readonly string _keys = string.Join('|',
        @"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}", // OpenAI, Anthropic, Stripe, this server
        @"\bgsk_[A-Za-z0-9]{20,}", // Groq
        @"\bAIza[A-Za-z0-9_-]{35}", // Google
        @"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", // AWS
        @"\bgh[opsur]_[A-Za-z0-9]{36,}", // GitHub
        @"\bgithub_pat_[A-Za-z0-9_]{22,}",
        @"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", // Slack
        @"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", // a signed JWT
        @"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s]*(?:-----END [A-Z ]*PRIVATE KEY-----)?");

    private static readonly Dictionary<string, (string Pattern, Check? Check)> _all = new(StringComparer.Ordinal)
    {
        ["keys"] = (_keys, null),
        ["emails"] = (@"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", null),
        ["cards"] = (@"\b[2-6]\d{3}(?:[ -]?\d){9,15}\b", CardLength),
    };

    public static IEnumerable<string> Names => _all.Keys;

    public static (string Pattern, Check? Check)? Find(string name) => _all.TryGetValue(name, out var found) ? found : null;

    // The longest number that its last digit fits to (Luhn), where a group of digits ends: an expiry may follow it.
    private static int CardLength(ReadOnlySpan<char> match)
    {
        for (var length = match.Length; length >= 13; length--)
        {
            if (!char.IsAsciiDigit(match[length - 1]) || (length < match.Length && char.IsAsciiDigit(match[length]))) continue;
            if (IsLuhn(match[..length])) return length;
        }

        return 0;
    }

    private static bool IsLuhn(ReadOnlySpan<char> text)
    {
        var (sum, digits) = (0, 0);
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (!char.IsAsciiDigit(text[i])) continue;
            var digit = text[i] - '0';
            if (digits++ % 2 == 1) digit = digit > 4 ? (digit * 2) - 9 : digit * 2;
            sum += digit;
        }

        return digits is >= 13 and <= 19 && sum % 10 == 0;
    }
}
