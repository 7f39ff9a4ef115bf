using System.Text.Json;

namespace Penstock.Client;

/// <summary>A generation as it stands: its events so far, folded.</summary>
public sealed record GenerationSnapshot
{
    public required string Id { get; init; }

    /// <summary><c>queued</c>, <c>running</c>, <c>finished</c>, <c>stopped</c>, <c>failed</c> or <c>interrupted</c></summary>
    public required string Status { get; init; }

    public string? Model { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its last event was stored; null where that is not known.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>The text of the first answer.</summary>
    public string Text { get; init; } = "";

    public IReadOnlyList<SnapshotBlock> Blocks { get; init; } = [];

    public TokenUsage? Usage { get; init; }

    /// <summary>Why it finished; null unless it has.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Why it was stopped; null unless it was.</summary>
    public string? StopReason { get; init; }

    /// <summary>Why it failed or was interrupted; null unless it was.</summary>
    public GenerationError? Error { get; init; }

    /// <summary>The last event in it; the events after it go on where it ends.</summary>
    public long Offset { get; init; } = -1;

    /// <summary>Whether nothing more will come.</summary>
    public bool HasEnded => Status is not ("queued" or "running");
}

/// <summary>A part of an answer.</summary>
public sealed record SnapshotBlock
{
    public int Block { get; init; }

    /// <summary><c>text</c>, <c>reasoning</c>, <c>tool_call</c>, <c>refusal</c>, <c>image</c>, <c>server_tool_call</c>, <c>tool_result</c> or <c>other</c></summary>
    public string Kind { get; init; } = "text";

    public int Choice { get; init; }

    /// <summary>A tool call's own id.</summary>
    public string? Id { get; init; }

    public string? Name { get; init; }

    public string Text { get; init; } = "";

    public string? Signature { get; init; }

    public IReadOnlyList<Citation>? Citations { get; init; }

    public JsonElement? Logprobs { get; init; }

    /// <summary>It has not ended, or was cut.</summary>
    public bool Open { get; init; }
}
