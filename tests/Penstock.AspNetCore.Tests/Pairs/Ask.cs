using System.Text;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>What a client asks, in no protocol's words: what it is to send, and what has reached a provider.</summary>
internal sealed record Ask
{
    public string Model { get; init; } = "";

    /// <summary>How the answer is to come: as a <c>stream</c> of events, as one <c>document</c>, or as Gemini's streamed <c>array</c>.</summary>
    public string Way { get; init; } = "stream";

    public bool Stream => Way != "document";

    public string System { get; init; } = "";

    public IReadOnlyList<Turn> Turns { get; init; } = [new UserTurn("Say something.")];

    /// <summary>The names of the tools; all take one <c>city</c>.</summary>
    public IReadOnlyList<string> Tools { get; init; } = [];

    /// <summary>The answer is to be JSON with a <c>city</c>, by <see cref="CitySchema"/>.</summary>
    public bool Structured { get; init; }

    public const string CitySchema = """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}""";

    /// <summary>The tools and the turns, one line each.</summary>
    public override string ToString()
    {
        var lines = new StringBuilder();
        if (System.Length > 0) lines.Append("system: ").Append(System).Append('\n');
        foreach (var tool in Tools) lines.Append("tool: ").Append(tool).Append('\n');
        if (Structured) lines.Append("structured\n");
        foreach (var turn in Turns) lines.Append(turn).Append('\n');
        return lines.ToString();
    }
}

internal abstract record Turn;

internal sealed record UserTurn(string Text) : Turn
{
    /// <summary>The base64 of an image, or its address; null for none.</summary>
    public string? Image { get; init; }

    public override string ToString() => $"user: {Text}{(Image is null ? "" : $" [{Image}]")}";
}

/// <summary>What the model answered earlier.</summary>
internal sealed record AssistantTurn(Answer Said) : Turn
{
    public override string ToString() =>
        $"assistant: {(Said with { Stop = null, Usage = null }).ToString().Replace("complete: True\n", "", StringComparison.Ordinal).TrimEnd().Replace("\n", " | ", StringComparison.Ordinal)}";
}

/// <summary>What a tool gave back.</summary>
internal sealed record ResultTurn(string Id, string Name, string Output) : Turn
{
    public override string ToString() => $"result: {(Id.Length == 0 ? Name : Id)} {Js.Canonical(Output)}";
}
