namespace Penstock.Generations.Filters;

/// <summary>One of <c>Penstock:Filters</c>: what answers must not show.</summary>
public sealed class FilterOptions
{
    /// <summary>What stands for a match, in brackets; without one, the name of <see cref="Builtin"/>.</summary>
    public string? Name { get; set; }

    /// <summary>A regular expression; it, or <see cref="Builtin"/>.</summary>
    public string? Pattern { get; set; }

    /// <summary><c>keys</c>, <c>emails</c> or <c>cards</c>.</summary>
    public string? Builtin { get; set; }

    /// <summary><c>mask</c>: the match is replaced. <c>stop</c>: the answer ends before it.</summary>
    public string Action { get; set; } = "mask";
}
