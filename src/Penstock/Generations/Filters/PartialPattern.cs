namespace Penstock.Generations.Filters;

/// <summary>
/// Makes of a regular expression another that matches the beginnings of its matches: a text that ends in one may go on to a
/// match. So a stream holds back that much, and nothing else.
/// </summary>
internal static class PartialPattern
{
    /// <exception cref="FormatException">The expression has something whose beginnings are not known, or matches nothing at all.</exception>
    public static string Of(string pattern)
    {
        var parser = new PatternParser(pattern);
        var node = parser.Parse();
        if (node.IsNullable) throw new FormatException("it matches the empty text.");
        return parser.Options + node.Partial;
    }
}

/// <summary>A part of a regular expression.</summary>
/// <param name="Whole">An expression that matches it.</param>
/// <param name="Partial">An expression that matches its beginnings, from the empty one to the whole.</param>
/// <param name="IsNullable">Whether it matches the empty text.</param>
internal sealed record PatternNode(string Whole, string Partial, bool IsNullable)
{
    public static readonly PatternNode Empty = new("", "", IsNullable: true);

    /// <summary>One character.</summary>
    public static PatternNode Character(string text) => new(text, $"{text}?", IsNullable: false);

    /// <summary>A place, such as a word's end; at the end of a text it is not known yet.</summary>
    public static PatternNode Place(string text) => new(text, "", IsNullable: true);

    public static PatternNode Group(string open, PatternNode inner) => new($"{open}{inner.Whole})", $"{open}{inner.Partial})", inner.IsNullable);

    public static PatternNode Either(IReadOnlyList<PatternNode> nodes) => nodes is [var only]
        ? only
        : new($"(?:{string.Join('|', nodes.Select(n => n.Whole))})", $"(?:{string.Join('|', nodes.Select(n => n.Partial))})", nodes.Any(n => n.IsNullable));

    public static PatternNode Sequence(IReadOnlyList<PatternNode> nodes)
    {
        if (nodes.Count == 0) return Empty;
        var partial = nodes[^1].Partial;
        // Its beginnings: those of the first part, or the whole first part and a beginning of the rest.
        for (var i = nodes.Count - 2; i >= 0; i--) partial = $"(?:{nodes[i].Whole}{partial}|{nodes[i].Partial})";
        return new(string.Concat(nodes.Select(n => n.Whole)), partial, nodes.All(n => n.IsNullable));
    }

    public static PatternNode Repeat(PatternNode node, int min, int? max, bool lazy)
    {
        if (max == 0) return Empty;
        var whole = $"(?:{node.Whole}){{{min},{max}}}{(lazy ? "?" : "")}";
        return new(whole, max == 1 ? node.Partial : $"(?:(?:{node.Whole}){{0,{max - 1}}}{node.Partial})", min == 0 || node.IsNullable);
    }
}
