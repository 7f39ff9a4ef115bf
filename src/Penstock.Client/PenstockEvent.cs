using System.Globalization;

namespace Penstock.Client;

/// <summary>One event of a generation, as docs/native.md explains it. There will be more kinds: pass over what you do not know.</summary>
public abstract record PenstockEvent
{
    /// <summary>The generation that it belongs to.</summary>
    public required string Generation { get; init; }

    /// <summary>Its place in its generation; grows, with gaps.</summary>
    public required long Offset { get; init; }

    /// <summary>When the server wrote it into its log, by the server's clock and to ten milliseconds; null where that is not known.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>It was stored before this connection began, and more that was follows it.</summary>
    public bool IsReplay { get; init; }

    /// <summary>The event as it came: one JSON object on one line.</summary>
    public ReadOnlyMemory<byte> Json { get; init; }

    /// <summary><c>&lt;generation&gt;.&lt;offset&gt;</c>: attach to it, and the events after this one follow.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Generation}.{Offset}");

    /// <summary>Whether it is the one event after which nothing follows.</summary>
    public virtual bool IsEnding => false;
}

/// <summary>The provider has begun to answer.</summary>
/// <param name="Model"><c>provider/model</c></param>
public sealed record GenerationStarted(string Model) : PenstockEvent;

/// <summary>A part of the answer begins.</summary>
/// <param name="Block">Its number.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Choice">Which of several answers it belongs to.</param>
/// <param name="CallId">A tool call's own id.</param>
/// <param name="Name">A tool's name, or an image's media type; <c>redacted</c> for reasoning of which there is a signature only.</param>
public sealed record BlockStarted(int Block, BlockKind Kind, int Choice, string? CallId, string? Name) : PenstockEvent;

/// <summary>More of a block.</summary>
/// <param name="Block">Which.</param>
/// <param name="Text">Its text, a piece of a tool call's JSON, or of an image's base64. It may end in half a surrogate pair, whose other half follows.</param>
/// <param name="Signature">A provider's seal on reasoning, to be sent back with the next turn.</param>
/// <param name="Citation">A source that the text cites.</param>
public sealed record BlockDelta(int Block, string Text, string? Signature, Citation? Citation) : PenstockEvent;

/// <summary>A block ends.</summary>
/// <param name="Block">Which.</param>
/// <param name="IsCut">The answer was cut in it: it is not whole.</param>
public sealed record BlockStopped(int Block, bool IsCut) : PenstockEvent;

/// <summary>Tokens used; the latest counts.</summary>
public sealed record UsageReported(TokenUsage Usage) : PenstockEvent;

/// <summary>Another try begins.</summary>
/// <param name="Attempt">The how manieth.</param>
/// <param name="Reason">Why.</param>
/// <param name="Model">Who answers now.</param>
/// <param name="IsReset">What was said so far is void.</param>
public sealed record AttemptStarted(int Attempt, string Reason, string? Model, bool IsReset) : PenstockEvent;

/// <summary>The answer is complete.</summary>
/// <param name="Reason"><c>stop</c>, <c>length</c>, <c>tool_calls</c>, <c>content_filter</c> or <c>other</c></param>
public sealed record GenerationFinished(string Reason) : PenstockEvent
{
    public override bool IsEnding => true;
}

/// <summary>Somebody stopped it. What was said stands.</summary>
/// <param name="Reason"><c>requested</c>, or <c>disconnected</c> once everybody had gone.</param>
public sealed record GenerationStopped(string Reason) : PenstockEvent
{
    public override bool IsEnding => true;
}

/// <summary>The provider or the store failed, or the server that ran it went down. What was said stands.</summary>
/// <param name="Error">Why.</param>
/// <param name="IsInterrupted">The server went down.</param>
public sealed record GenerationFailed(GenerationError Error, bool IsInterrupted) : PenstockEvent
{
    public override bool IsEnding => true;
}

/// <summary>An event of a kind that this version does not know.</summary>
public sealed record UnknownEvent(string Type) : PenstockEvent;

public enum BlockKind
{
    Text,
    Reasoning,
    ToolCall,
    Refusal,
    Image,

    /// <summary>A call that the server makes itself.</summary>
    ServerToolCall,

    /// <summary>What such a call gave.</summary>
    ToolResult,
    Other,
}

/// <summary>A source that a text cites; each member where it is known.</summary>
public sealed record Citation(string? Url, string? Title, string? Quote, int? Start, int? End);

/// <summary>Tokens; what is null is not known, a zero is a zero.</summary>
public sealed record TokenUsage
{
    public long? InputTokens { get; init; }
    public long? OutputTokens { get; init; }
    public long? TotalTokens { get; init; }
    public long? CachedInputTokens { get; init; }
    public long? CacheWriteTokens { get; init; }
    public long? ReasoningTokens { get; init; }

    /// <summary>Who counted: the <c>provider</c>, the server (<c>estimated</c>), or nobody to the end (<c>partial</c>).</summary>
    public string Source { get; init; } = "provider";
}

/// <summary>Why a generation failed.</summary>
public sealed record GenerationError(string Code, string Message, int Status = 0, long? RetryAfterMs = null)
{
    internal PenstockException ToException(string eventId) => new(Code, Message, Status)
    {
        RetryAfter = RetryAfterMs is { } ms ? TimeSpan.FromMilliseconds(ms) : null,
        EventId = eventId,
    };
}
