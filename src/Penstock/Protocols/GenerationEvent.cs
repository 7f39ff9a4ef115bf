using Penstock.Protocols.History;

namespace Penstock.Protocols;

/// <summary>What an event says. Exactly one of the last four ends every generation.</summary>
public enum EventKind : byte
{
    /// <summary>The provider has begun to answer.</summary>
    Started,
    BlockStart,
    Delta,
    BlockStop,
    Usage,

    /// <summary>Another try at the provider begins; what was said so far stands.</summary>
    Attempt,

    /// <summary>What was said so far is void; watchers clear it.</summary>
    Reset,

    /// <summary>A provider's payload that says nothing in our words; only a client of the same protocol sees it.</summary>
    Raw,

    /// <summary>The model has ended one of its steps by calling tools that the server runs; their results follow, then its next step.</summary>
    Step,

    /// <summary>The run of a tool begins: whatever happens from here on, it may have had its effect.</summary>
    ToolRun,

    /// <summary>A call waits for a person to allow it, or has been decided on.</summary>
    Approval,

    /// <summary>The model was not sent all of the conversation, which is longer than it can read.</summary>
    Trimmed,

    /// <summary>Before the model is asked another generation sums up the older part of the conversation.</summary>
    Summary,
    Finished,
    Stopped,
    Failed,
    Interrupted,
}

public enum BlockKind : byte
{
    Text,
    Reasoning,
    ToolCall,
    Refusal,

    /// <summary>An image that the model made; its deltas are pieces of base64.</summary>
    Image,

    /// <summary>The model calls a tool that the server runs; its deltas are the arguments, as a tool call's.</summary>
    ServerToolCall,

    /// <summary>What a tool that the server ran gave back: text.</summary>
    ToolResult,

    /// <summary>
    /// Anything that only its own protocol understands, such as the work of a provider's own tool: its name says what,
    /// and its deltas, joined, are the JSON of the item.
    /// </summary>
    Other,
}

/// <summary>What became of a call that needs a person's word.</summary>
public enum ApprovalState : byte
{
    Asked,
    Approved,
    Denied,
}

public enum FinishReason : byte
{
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    Other,
}

/// <summary>
/// One step of an answer, in the words all protocols map to: blocks of text, reasoning, tool calls, refusals, opened,
/// filled by deltas and closed. It lives on the stack, on top of the provider's own bytes; the log keeps its JSON form
/// (see <see cref="Native.NativeEventWriter"/>).
/// </summary>
/// <remarks>
/// Text travels as the inside of a JSON string, still escaped: it goes from the provider's JSON into the client's without
/// being decoded, so half a surrogate pair in one delta survives to meet its other half in the next.
/// </remarks>
public readonly ref struct GenerationEvent
{
    public required EventKind Kind { get; init; }

    /// <summary>The block's number, dense from 0 through the generation. ToolRun, Approval: the block of the call.</summary>
    public int Block { get; init; }

    /// <summary>BlockStop: the block is not whole, since the answer was cut in it.</summary>
    public bool IsCut { get; init; }

    /// <summary>Which of the <c>n</c> answers the block belongs to (BlockStart).</summary>
    public int Choice { get; init; }

    /// <summary>BlockStart: what the block holds.</summary>
    public BlockKind BlockKind { get; init; }

    /// <summary>
    /// BlockStart, Approval: the id of the tool call, or of the other item; null where the provider gave none. Of a tool's result: that of the call.
    /// Summary: the other generation.
    /// </summary>
    public string? Id { get; init; }

    /// <summary>BlockStart, Approval: the function's name, an image's media type, or the type of an other item; <c>redacted</c> for reasoning that is only a signature.</summary>
    public string? Name { get; init; }

    /// <summary>BlockStart of a tool that the server runs: the label of the server that has it.</summary>
    public string? Server { get; init; }

    /// <summary>BlockStart of a tool's result: the block of the call.</summary>
    public int Call { get; init; }

    /// <summary>BlockStart of a tool's result: it says what went wrong.</summary>
    public bool IsError { get; init; }

    /// <summary>Step: which of the model's steps has ended; the first is 1.</summary>
    public int Step { get; init; }

    /// <summary>Approval: whether it is asked for, or given.</summary>
    public ApprovalState Approval { get; init; }

    /// <summary>Delta: JSON-escaped UTF-8 of the text, the reasoning, or the tool call's arguments (whose JSON is text here).</summary>
    public ReadOnlySpan<byte> Text { get; init; }

    /// <summary>
    /// Delta: JSON-escaped signature of the block (reasoning; a tool call or text of Gemini's), or its encrypted content. It may come alone,
    /// and must come back with the next turn.
    /// </summary>
    public ReadOnlySpan<byte> Signature { get; init; }

    /// <summary>Delta of a text block: a source that the text cites, as <see cref="Citation"/> writes it; or empty.</summary>
    public ReadOnlySpan<byte> Citation { get; init; }

    /// <summary>Delta: the provider's log probabilities, raw JSON, or empty.</summary>
    public ReadOnlySpan<byte> LogProbs { get; init; }

    /// <summary>Started: the model that the provider says is answering, or null.</summary>
    public string? Model { get; init; }

    /// <summary>Usage: of the whole answer. Step: of all steps so far.</summary>
    public Usage? Usage { get; init; }

    /// <summary>Trimmed: what it was not sent, and what stands for it.</summary>
    public HistoryTrim? Trimmed { get; init; }

    /// <summary>Finished: why, for choice 0. Stopped: <c>Length</c> where a limit cut it.</summary>
    public FinishReason Reason { get; init; }

    /// <summary>Finished with more than one choice: why, for each.</summary>
    public IReadOnlyList<FinishReason>? Reasons { get; init; }

    /// <summary>Stopped: why (<see cref="StopReasons"/>). Attempt, Reset: why the attempt before came to nothing. Approval: what was said beside.</summary>
    public string? StopReason { get; init; }

    /// <summary>Attempt, Reset: which attempt begins; the first is 1.</summary>
    public int Attempt { get; init; }

    /// <summary>The endings: the offset of the last Reset, up to which the stream is void; null for none.</summary>
    public long? ResetAt { get; init; }

    /// <summary>Failed, Interrupted: what went wrong, fit for strangers.</summary>
    public GenerationError? Error { get; init; }
}

/// <summary>What an ending tells a client about a failure. Never holds a provider's own words, keys or addresses.</summary>
/// <param name="Code">A stable word, e.g. <c>provider_unavailable</c>.</param>
/// <param name="Message">A sentence for a person that says what happened and what to do.</param>
/// <param name="Status">The HTTP status that a failure before the first output has.</param>
/// <param name="RetryAfter">When to come back, where the provider said so.</param>
public sealed record GenerationError(string Code, string Message, int Status = 502, TimeSpan? RetryAfter = null);

public enum UsageSource : byte
{
    /// <summary>The provider reported it.</summary>
    Provider,

    /// <summary>Counted by us from the text, about four bytes a token.</summary>
    Estimated,

    /// <summary>The provider's last word before the answer was cut; the rest is estimated.</summary>
    Partial,
}

/// <summary>
/// Tokens used. Null is "not said"; an explicit zero is a zero. Input counts the cached ones too, and output the reasoning:
/// readers add up where a protocol counts them apart, and writers take apart again.
/// </summary>
public sealed record Usage
{
    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? TotalTokens { get; init; }

    /// <summary>How many of the input tokens came from the provider's cache.</summary>
    public long? CachedInputTokens { get; init; }

    /// <summary>How many of the input tokens were written to the provider's cache.</summary>
    public long? CacheWriteTokens { get; init; }

    /// <summary>How many of the output tokens were reasoning.</summary>
    public long? ReasoningTokens { get; init; }

    public UsageSource Source { get; init; }
}

/// <summary>Takes the events that an <see cref="EventReader"/> finds.</summary>
public interface IEventSink
{
    void Write(in GenerationEvent generationEvent);
}
