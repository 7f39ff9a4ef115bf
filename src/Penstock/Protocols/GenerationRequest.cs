using Penstock.Protocols.History;

namespace Penstock.Protocols;

/// <summary>
/// What a client asks of a model, in the words all protocols map to, beside the body it came in, from which a provider
/// of the same protocol gets every field we do not understand.
/// </summary>
public sealed record GenerationRequest
{
    /// <summary>The protocol that <see cref="Body"/> is written in, e.g. <c>chat-completions</c>.</summary>
    public required string Protocol { get; init; }

    /// <summary>The client's JSON object, UTF-8.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The model as the client named it, or null for the default.</summary>
    public string? Model { get; init; }

    /// <summary>The conversation, the oldest message first; instructions stand as system messages at its head.</summary>
    public required IReadOnlyList<Message> Messages { get; init; }

    /// <summary>The conversation with what the model said so far at its end.</summary>
    public IReadOnlyList<Message> AllMessages => Added.Count == 0 && Prefix is null ? Messages : [.. Messages, .. AddedAndPrefix];

    /// <summary>What came to the client's own messages while the answer was made.</summary>
    public IReadOnlyList<Message> AddedAndPrefix => Prefix is null ? Added : [.. Added, new Message(Role.Assistant, [new TextPart(Prefix)])];

    /// <summary>The client's own functions that the model may call.</summary>
    public IReadOnlyList<Tool> Tools { get; init; } = [];

    /// <summary>The servers whose tools the client asks for by their labels; we run those.</summary>
    public IReadOnlyList<ToolServer> ToolServers { get; init; } = [];

    /// <summary>The tools that we run and offer to the model beside the client's.</summary>
    public IReadOnlyList<Tool> Offered { get; init; } = [];

    /// <summary>All tools that the model may call.</summary>
    public IReadOnlyList<Tool> AllTools => Offered.Count == 0 ? Tools : [.. Tools, .. Offered];

    /// <summary>Calls of an earlier answer that waited for the client's word, and that word: they run before the model is asked.</summary>
    public IReadOnlyList<CallDecision> Decided { get; init; } = [];

    /// <summary>The model's earlier steps in this answer, and what the tools gave back in them.</summary>
    public IReadOnlyList<Message> Added { get; init; } = [];

    /// <summary>Whether the conversation holds calls of the server's tools, in words that are no provider's (Messages).</summary>
    public bool HoldsServerCalls { get; init; }

    /// <summary>Whether a provider of the client's own protocol needs another body than the client's.</summary>
    public bool IsAltered => Offered.Count > 0 || Added.Count > 0 || ToolServers.Count > 0 || Decided.Count > 0 || HoldsServerCalls || Trimmed is not null;

    /// <summary>Whether what is too long may be sent without its oldest part, where the client says so (Responses); null where it does not.</summary>
    public bool? MayTrim { get; init; }

    /// <summary>How much of the conversation the model may be sent; null for all of it.</summary>
    public HistoryBudget? Budget { get; init; }

    /// <summary>What of the conversation was left out for that, and is not in <see cref="Messages"/> any more; null for nothing.</summary>
    public HistoryTrim? Trimmed { get; init; }

    /// <summary>The answer so far, when an attempt that broke off is to be gone on with: the model is given it as its own last message.</summary>
    public string? Prefix { get; init; }

    /// <summary>How the model is to answer.</summary>
    public GenerationSettings Settings { get; init; } = GenerationSettings.None;

    /// <summary>Members of the body that only the client's own protocol has words for.</summary>
    public IReadOnlyList<OwnField> OwnFields { get; init; } = [];

    /// <summary>Headers of the client that a provider of the same protocol gets (<see cref="ClientProtocol.ProviderHeaders"/>).</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; set; } = [];

    /// <summary>
    /// Members of the request that the answer repeats, a JSON object of the protocol's own; empty for none. It is kept with
    /// the generation, so keep it small.
    /// </summary>
    public ReadOnlyMemory<byte> Echo { get; init; }

    /// <summary>Whether the reply is an event stream, or one document at the end.</summary>
    public bool Stream { get; init; }

    /// <summary>Whether the client wants usage in a Chat Completions stream.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>How many answers (<c>n</c>).</summary>
    public int Choices { get; init; } = 1;

    /// <summary>The reply comes at once and the answer is fetched later (native, Responses).</summary>
    public bool Background { get; init; }

    /// <summary>
    /// Whether the client will come back for what it asked (Responses): true keeps the request beside its answer, false keeps
    /// neither for longer than a reconnection takes; null leaves it to the server.
    /// </summary>
    public bool? Store { get; init; }

    /// <summary>Where the conversation before the request is kept already; null where it stands in the request alone.</summary>
    public Continuation? Continues { get; init; }

    /// <summary>The kept conversation that the request is a turn of; null for none.</summary>
    public ConversationTurn? Conversation { get; init; }

    /// <summary>What a disconnect does: <c>detach</c>, <c>cancel</c>, <c>grace</c> or <c>grace &lt;seconds&gt;</c>; null for the default (native).</summary>
    public string? OnDisconnect { get; init; }

    /// <summary>The client's own name for the job, at most 128 of <c>[A-Za-z0-9._-]</c>; it is the idempotency key too (text).</summary>
    public string? JobId { get; init; }
}

/// <summary>A server of the configuration whose tools a client asks for.</summary>
/// <param name="Label">Its name in the configuration.</param>
/// <param name="Tools">Those of its tools that it wants; null for all.</param>
/// <param name="Path">Where the client named it, e.g. <c>tools[0]</c>.</param>
public sealed record ToolServer(string Label, IReadOnlyList<string>? Tools, string Path)
{
    /// <summary>Those of its tools each of whose calls a person must allow, beside those of the configuration; <c>*</c> for all.</summary>
    public IReadOnlyList<string> Approval { get; init; } = [];

    /// <summary>The client is that person: the answer ends with what it is asked, and its next request says its word.</summary>
    public bool AsksClient { get; init; }
}

/// <summary>What a client says to a call that an earlier answer asked it to allow.</summary>
/// <param name="Answer">The id of that answer.</param>
/// <param name="Id">The id of what it asked.</param>
/// <param name="Server">The label of the tool's server.</param>
/// <param name="Name">The tool, as the model called it.</param>
/// <param name="Arguments">What the model called it with: JSON, or nothing.</param>
/// <param name="IsApproved">Whether it may run.</param>
/// <param name="Path">Where the client said it, e.g. <c>input[0]</c>.</param>
public sealed record CallDecision(string Answer, string Id, string Server, string Name, string Arguments, bool IsApproved, string Path)
{
    /// <summary>What it says beside; null for nothing.</summary>
    public string? Reason { get; init; }
}

/// <summary>A member of a request that has no word of ours.</summary>
/// <param name="Name">Its name as the client wrote it, e.g. <c>tools[1] (web_search)</c>.</param>
/// <param name="ChangesAnswer">
/// Whether leaving it out would change what the answer says or does: then a provider of another protocol cannot be asked.
/// Where it would not, it is left out and named in the reply's <c>Penstock-Dropped</c>.
/// </param>
public readonly record struct OwnField(string Name, bool ChangesAnswer);

/// <summary>What a request that goes on from an earlier one adds to it.</summary>
/// <param name="GenerationId">The generation that it goes on from; its request holds the conversation up to there.</param>
/// <param name="Output">What that one answered, as a list of items, raw.</param>
/// <param name="Body">The request's own body, without the conversation before it.</param>
public sealed record Continuation(string GenerationId, ReadOnlyMemory<byte> Output, ReadOnlyMemory<byte> Body);

/// <summary>What a request adds to a conversation that is kept.</summary>
/// <param name="Id">The conversation.</param>
/// <param name="Offset">How far its log goes that the request goes on from.</param>
/// <param name="Body">The request's own body, without the conversation before it.</param>
public sealed record ConversationTurn(string Id, long Offset, ReadOnlyMemory<byte> Body);

/// <summary>A request that cannot be taken, said so that the sender can mend it.</summary>
/// <param name="message">A sentence that names the field and the mend.</param>
public sealed class RequestException(string message) : Exception(message.Length <= MaxMessage ? message : $"{message.AsSpan(0, MaxMessage / 2)} … {message.AsSpan(message.Length - (MaxMessage / 2))}")
{
    // It may quote what the sender wrote, of any length.
    private const int MaxMessage = 1000;

    /// <summary>The HTTP status; 400 unless set.</summary>
    public int Status { get; init; } = 400;

    /// <summary>The field at fault, e.g. <c>messages[0].content</c>, or null.</summary>
    public string? Param { get; init; }

    /// <summary>A stable word, e.g. <c>invalid_value</c>, or null.</summary>
    public string? Code { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the caller has left of its limits, where one of them was met.</summary>
    public RateLimits? RateLimits { get; init; }

    /// <summary>Asking the same again is no use, though the status sounds as if it were.</summary>
    public bool IsFinal { get; init; }
}
