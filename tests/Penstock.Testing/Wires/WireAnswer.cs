namespace Penstock.Testing.Wires;

/// <summary>What a provider says, in no protocol's words.</summary>
public sealed record WireAnswer
{
    public IReadOnlyList<string> Reasoning { get; init; } = [];

    /// <summary>What proves the reasoning to the provider in the next turn.</summary>
    public string? Signature { get; init; }

    public IEnumerable<string> Text { get; init; } = [];

    public IReadOnlyList<WireCall> Calls { get; init; } = [];

    /// <summary>Whether the answer is cut short by its length limit.</summary>
    public bool IsTooLong { get; init; }

    /// <summary>Whether the stream ends inside the last text, without any ending.</summary>
    public bool IsCut { get; init; }

    /// <summary>The time between two pieces.</summary>
    public TimeSpan Pace { get; init; }

    /// <summary>A token for each piece of reasoning, and one for each piece of text or call.</summary>
    public int OutputTokens => Reasoning.Count + Text.Count() + Calls.Count;

    public const int InputTokens = 20;

    public const int CachedTokens = 5;
}

/// <summary>A tool call; arguments are JSON, and empty where the tool takes none.</summary>
public sealed record WireCall(string Id, string Name, string Arguments = "");

/// <summary>What a client says that a tool gave.</summary>
public sealed record WireResult(string Name, string Text);
