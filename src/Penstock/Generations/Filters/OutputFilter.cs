using System.Text.RegularExpressions;

namespace Penstock.Generations.Filters;

/// <summary>A filter that is ready to use.</summary>
internal sealed class OutputFilter
{
    // Both are matched in linear time, whatever the text; this only bounds a machine that stands still.
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

    private OutputFilter(string name, string pattern, bool stops, BuiltinFilters.Check? check)
    {
        var partial = PartialPattern.Of(pattern);
        Mask = $"[{name}]";
        Name = name;
        Stops = stops;
        Check = check;
        Pattern = new Regex(pattern, Linear, _timeout);
        Partial = new Regex($@"(?:{partial})\z", Linear, _timeout);
    }

    public string Name { get; }

    public string Mask { get; }

    /// <summary>Whether a match ends the answer.</summary>
    public bool Stops { get; }

    public Regex Pattern { get; }

    /// <summary>What a text ends in that more text may make a match of; at least nothing.</summary>
    public Regex Partial { get; }

    /// <summary>Says how much of a match is one; null where the pattern says all.</summary>
    public BuiltinFilters.Check? Check { get; }

    /// <exception cref="FormatException">The options are wrong; the message names the key below the filter's own and the mend.</exception>
    public static OutputFilter New(FilterOptions options)
    {
        if (options.Action is not ("mask" or "stop")) throw new FormatException($"Action is '{options.Action}'; set it to mask or stop.");
        if (options.Pattern is null == options.Builtin is null) throw new FormatException("has to have a Pattern or a Builtin, and not both.");
        if ((options.Name ?? options.Builtin) is not { Length: > 0 and <= 32 } name || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            throw new FormatException($"Name is '{options.Name}'; give one of at most 32 letters, digits, - and _.");
        if (options.Builtin is { } builtin)
        {
            var (pattern, check) = BuiltinFilters.Find(builtin) ?? throw new FormatException($"Builtin is '{builtin}'; set it to one of {string.Join(", ", BuiltinFilters.Names)}.");
            return new OutputFilter(name, pattern, options.Action == "stop", check);
        }

        try
        {
            return new OutputFilter(name, options.Pattern!, options.Action == "stop", check: null);
        }
        catch (Exception e) when (e is FormatException or RegexParseException or NotSupportedException)
        {
            throw new FormatException($"Pattern cannot be used: {e.Message}", e);
        }
    }
}
