namespace Penstock.Protocols;

/// <summary>A function of the client's that the model may call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, if said.</param>
/// <param name="Parameters">The JSON schema of its arguments, raw, or empty.</param>
public sealed record Tool(string Name, string? Description, ReadOnlyMemory<byte> Parameters)
{
    /// <summary>Whether the arguments must keep to the schema; null where it was not said.</summary>
    public bool? Strict { get; init; }

    /// <summary>As <see cref="Part.CacheControl"/>.</summary>
    public ReadOnlyMemory<byte> CacheControl { get; init; }
}

public enum ToolChoiceMode : byte
{
    /// <summary>The model may call, or not.</summary>
    Auto,
    None,

    /// <summary>It must call.</summary>
    Required,
}

/// <summary>Whether the model calls a tool, and which.</summary>
/// <param name="Mode">Whether.</param>
/// <param name="Names">The tools it may choose from; empty for all. With one name and <see cref="ToolChoiceMode.Required"/> it must call that one.</param>
public sealed record ToolChoice(ToolChoiceMode Mode, IReadOnlyList<string> Names)
{
    public ToolChoice(ToolChoiceMode mode)
        : this(mode, [])
    {
    }
}
