namespace Penstock.Protocols;

public enum Role : byte
{
    System,

    /// <summary>Instructions like System's, from whoever built the app; one and the same to most models.</summary>
    Developer,
    User,
    Assistant,
    Tool,
}

/// <summary>One turn of a conversation, or a piece of one: protocols differ in where they cut.</summary>
public sealed record Message(Role Role, IReadOnlyList<Part> Parts)
{
    /// <summary>The message's text parts, joined.</summary>
    public string Text => string.Concat(Parts.OfType<TextPart>().Select(p => p.Text));

    /// <summary>It is no word of anybody's but stands for what is left out.</summary>
    internal bool IsSummary { get; init; }
}

/// <summary>A piece of a message.</summary>
public abstract record Part
{
    /// <summary>Where it stood in the client's body, e.g. <c>messages[0].content[1]</c>: for errors.</summary>
    public string Path { get; init; } = "";

    /// <summary>Its mark for the provider's prompt cache, as Messages writes it (<c>{"type":"ephemeral"}</c>), raw; empty for none.</summary>
    public ReadOnlyMemory<byte> CacheControl { get; init; }
}

/// <summary>Text. An assistant's may be a refusal.</summary>
public sealed record TextPart(string Text) : Part
{
    public bool IsRefusal { get; init; }
}

public enum MediaKind : byte
{
    Image,
    Audio,

    /// <summary>A document, a video, anything else.</summary>
    File,
}

/// <summary>An image, a recording or a file: its bytes, or where they are. Exactly one of the three is there.</summary>
public sealed record MediaPart(MediaKind Kind) : Part
{
    /// <summary>Its bytes in base64, ASCII; empty where one of the others says where they are.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Its address; never a <c>data:</c> URL, which readers take apart.</summary>
    public string? Url { get; init; }

    /// <summary>Its id at the provider: worth nothing at another.</summary>
    public string? FileId { get; init; }

    /// <summary>E.g. <c>image/png</c>, where it was said.</summary>
    public string? MediaType { get; init; }

    public string? FileName { get; init; }

    /// <summary>How closely an image is to be looked at: <c>low</c>, <c>high</c>, <c>auto</c>; null where it was not said.</summary>
    public string? Detail { get; init; }
}

/// <summary>What the model thought in an earlier turn.</summary>
public sealed record ReasoningPart(string Text) : Part
{
    /// <summary>The provider's proof that the thought is its own, or the thought itself, encrypted; null for none.</summary>
    public string? Signature { get; init; }

    /// <summary>The thought is in the signature only, encrypted.</summary>
    public bool IsRedacted { get; init; }
}

/// <summary>A tool that the model called in an earlier turn.</summary>
/// <param name="Id">The call's id; empty where the protocol has none (Gemini).</param>
/// <param name="Name">The function.</param>
/// <param name="Arguments">Its arguments, JSON as text; may be empty.</param>
public sealed record ToolCallPart(string Id, string Name, string Arguments) : Part
{
    /// <summary>Gemini's signature on the call; null for none.</summary>
    public string? Signature { get; init; }
}

/// <summary>What a tool gave back.</summary>
/// <param name="Id">The call's id.</param>
/// <param name="Content">Text and media.</param>
public sealed record ToolResultPart(string Id, IReadOnlyList<Part> Content) : Part
{
    /// <summary>The function, where the protocol says it; otherwise look for the call.</summary>
    public string? Name { get; init; }

    public bool IsError { get; init; }

    /// <summary>The text of the result, joined.</summary>
    public string Text => string.Concat(Content.OfType<TextPart>().Select(p => p.Text));
}

/// <summary>A piece that only the client's own protocol has words for. Its <see cref="OwnField"/> stands in the request.</summary>
public sealed record OtherPart : Part;
