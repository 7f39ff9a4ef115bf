namespace Penstock.Protocols;

/// <summary>
/// What a client asks of a model, in the words all protocols map to, beside the body it came in, from which a provider
/// of the same protocol gets every field we do not understand.
/// </summary>
public sealed class GenerationRequest
{
    /// <summary>The protocol that <see cref="Body"/> is written in, e.g. <c>chat-completions</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>The client's JSON object, UTF-8.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The model as the client named it, or null for the default.</summary>
    public string? Model { get; init; }

    public required IReadOnlyList<Message> Messages { get; init; }

    public IReadOnlyList<Tool> Tools { get; init; } = [];

    /// <summary>Whether the reply is an event stream, or one document at the end.</summary>
    public bool Stream { get; init; }

    /// <summary>Whether the client wants usage in a Chat Completions stream.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>How many answers (<c>n</c>).</summary>
    public int Choices { get; init; } = 1;

    public int? MaxOutputTokens { get; init; }

    /// <summary>The reply comes at once and the answer is fetched later (native).</summary>
    public bool Background { get; init; }

    /// <summary>What a disconnect does: <c>detach</c>, <c>cancel</c>, <c>grace</c> or <c>grace &lt;seconds&gt;</c>; null for the default (native).</summary>
    public string? OnDisconnect { get; init; }

    /// <summary>The client's own name for the job, at most 128 of <c>[A-Za-z0-9._-]</c>; it is the idempotency key too (text).</summary>
    public string? JobId { get; init; }
}

public enum Role : byte
{
    System,
    User,
    Assistant,
    Tool,
}

public sealed record Message(Role Role, IReadOnlyList<Part> Parts)
{
    /// <summary>The message's text parts, joined.</summary>
    public string Text => string.Concat(Parts.Where(p => p.Kind == PartKind.Text).Select(p => p.Text));
}

public enum PartKind : byte
{
    Text,
    Image,
    Audio,
    File,
    ToolCall,
    ToolResult,
    Other,
}

/// <summary>A piece of a message.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Text of a text part; URL of an image; arguments of a tool call; text of a tool result.</param>
/// <param name="Id">A tool call's id, on the call and on its result.</param>
/// <param name="Name">A tool call's function.</param>
public sealed record Part(PartKind Kind, string? Text = null, string? Id = null, string? Name = null);

/// <summary>A function that the model may call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, if said.</param>
/// <param name="Parameters">Its JSON schema, raw, or empty.</param>
public sealed record Tool(string Name, string? Description, ReadOnlyMemory<byte> Parameters);

/// <summary>A request that cannot be taken, said so that the sender can mend it.</summary>
/// <param name="message">A sentence that names the field and the mend.</param>
public sealed class RequestException(string message) : Exception(message)
{
    /// <summary>The HTTP status; 400 unless set.</summary>
    public int Status { get; init; } = 400;

    /// <summary>The field at fault, e.g. <c>messages[0].content</c>, or null.</summary>
    public string? Param { get; init; }

    /// <summary>A stable word, e.g. <c>invalid_value</c>, or null.</summary>
    public string? Code { get; init; }

    public TimeSpan? RetryAfter { get; init; }
}
