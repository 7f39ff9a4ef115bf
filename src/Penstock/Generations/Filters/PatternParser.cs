using System.Globalization;

namespace Penstock.Generations.Filters;

/// <summary>Takes apart a regular expression of the kind that .NET matches in linear time, as far as its parts' beginnings are known.</summary>
internal sealed class PatternParser(string pattern)
{
    private int _at;

    /// <summary>The options that the expression begins with, such as <c>(?i)</c>.</summary>
    public string Options { get; private set; } = "";

    public PatternNode Parse()
    {
        if (pattern.StartsWith("(?", StringComparison.Ordinal) && pattern.IndexOf(')', StringComparison.Ordinal) is var end and > 0 && IsOptions(pattern.AsSpan(2, end - 2)))
        {
            Options = pattern[..(end + 1)];
            _at = end + 1;
        }

        var node = ParseEither();
        return _at == pattern.Length ? node : throw new FormatException("a ) has no (.");
    }

    private PatternNode ParseEither()
    {
        var nodes = new List<PatternNode> { ParseSequence() };
        while (Skip('|')) nodes.Add(ParseSequence());
        return PatternNode.Either(nodes);
    }

    private PatternNode ParseSequence()
    {
        var nodes = new List<PatternNode>();
        while (_at < pattern.Length && pattern[_at] is not ('|' or ')'))
        {
            var node = ParseOne();
            while (TryParseRepeat(out var min, out var max)) node = PatternNode.Repeat(node, min, max, lazy: Skip('?'));
            nodes.Add(node);
        }

        return PatternNode.Sequence(nodes);
    }

    private PatternNode ParseOne()
    {
        switch (pattern[_at])
        {
            case '(':
                return ParseGroup();
            case '[':
                return ParseClass();
            case '\\':
                return ParseEscape();
            case '^' or '$':
                throw new FormatException("^ and $ mean nothing in a stream; \\b is a word's edge.");
            case '{':
                _at++;
                return PatternNode.Character(@"\{");
            default:
                return PatternNode.Character($"{pattern[_at++]}");
        }
    }

    private PatternNode ParseGroup()
    {
        var open = "(?:";
        _at++;
        if (Skip('?'))
        {
            var end = pattern.AsSpan(_at).IndexOfAny(':', '>', '\'');
            var kind = end < 0 ? default : pattern.AsSpan(_at, end + 1);
            if (kind.Length > 1 && kind[^1] == ':' && IsOptions(kind[..^1])) open = $"(?{kind}";
            else if (kind is not ":" && !(kind is ['<', >= 'A', .., '>'] or ['P', '<', ..])) throw new FormatException("of the groups that begin with (? it may have (?:…), (?i:…) and (?<name>…).");
            _at += kind.Length;
        }

        var inner = ParseEither();
        if (!Skip(')')) throw new FormatException("a ( has no ).");
        return PatternNode.Group(open, inner);
    }

    private PatternNode ParseClass()
    {
        var start = _at;
        SkipClass();
        return PatternNode.Character(pattern[start.._at]);
    }

    // A class may take another away: [a-z-[aeiou]].
    private void SkipClass()
    {
        _at++;
        Skip('^');
        Skip(']'); // the first stands for itself
        while (_at < pattern.Length && pattern[_at] != ']')
        {
            if (pattern[_at] == '[' && pattern[_at - 1] == '-') SkipClass();
            else _at += pattern[_at] == '\\' ? 2 : 1;
        }

        if (!Skip(']')) throw new FormatException("a [ has no ].");
    }

    private PatternNode ParseEscape()
    {
        var start = _at;
        if (_at + 1 == pattern.Length) throw new FormatException("it ends in \\.");
        var kind = pattern[_at + 1];
        _at += 2;
        switch (kind)
        {
            case 'b' or 'B':
                return PatternNode.Place(pattern[start.._at]);
            case 'x':
                _at += 2;
                break;
            case 'u':
                _at += 4;
                break;
            case 'p' or 'P':
                _at = pattern.IndexOf('}', _at) + 1;
                if (_at == 0) throw new FormatException("a { has no }.");
                break;
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'n' or 'r' or 't' or 'f' or 'v' or 'a' or 'e':
                break;
            case var _ when char.IsAsciiLetterOrDigit(kind):
                throw new FormatException($"\\{kind} cannot be known in a stream.");
        }

        return _at <= pattern.Length ? PatternNode.Character(pattern[start.._at]) : throw new FormatException("it ends within an escape.");
    }

    private bool TryParseRepeat(out int min, out int? max)
    {
        (min, max) = (0, null);
        if (_at == pattern.Length) return false;
        switch (pattern[_at])
        {
            case '*':
                break;
            case '+':
                min = 1;
                break;
            case '?':
                max = 1;
                break;
            case '{' when pattern.IndexOf('}', _at) is var end and > 0 && TryParseBounds(pattern.AsSpan((_at + 1)..end), out min, out max):
                _at = end;
                break;
            default:
                return false;
        }

        _at++;
        return true;
    }

    private static bool TryParseBounds(ReadOnlySpan<char> text, out int min, out int? max)
    {
        max = null;
        var comma = text.IndexOf(',');
        if (!int.TryParse(comma < 0 ? text : text[..comma], NumberStyles.None, CultureInfo.InvariantCulture, out min)) return false;
        if (comma < 0) max = min;
        else if (comma < text.Length - 1 && int.TryParse(text[(comma + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var most)) max = most;
        else return comma == text.Length - 1;
        return true;
    }

    private static bool IsOptions(ReadOnlySpan<char> text) => text is [_, ..] && !text.ContainsAnyExcept("imns-");

    private bool Skip(char c)
    {
        if (_at == pattern.Length || pattern[_at] != c) return false;
        _at++;
        return true;
    }
}
