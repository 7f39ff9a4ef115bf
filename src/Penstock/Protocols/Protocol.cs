using System.Buffers;

namespace Penstock.Protocols;

/// <summary>A wire format as clients speak it to us.</summary>
public abstract class ClientProtocol
{
    /// <summary>Its name in configuration and in the log, e.g. <c>chat-completions</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Reads a request body.</summary>
    /// <exception cref="RequestException">The body cannot be taken; the message says what to mend.</exception>
    public abstract GenerationRequest ReadRequest(ReadOnlyMemory<byte> body);

    /// <summary>Reads a body again that was kept; in most protocols it says all.</summary>
    /// <param name="body">The body.</param>
    /// <param name="model">The model, as the client named it.</param>
    /// <param name="stream">Whether the client asked for a stream.</param>
    public virtual GenerationRequest ReadStored(ReadOnlyMemory<byte> body, string? model, bool stream) => ReadRequest(body);

    /// <summary>Puts a body together again of which the conversation before it was kept apart (<see cref="GenerationRequest.Continues"/>).</summary>
    /// <param name="body">The body.</param>
    /// <param name="earlier">The earlier bodies and what was answered to each, the oldest first.</param>
    public virtual ReadOnlyMemory<byte> Join(ReadOnlyMemory<byte> body, IReadOnlyList<ReadOnlyMemory<byte>> earlier) => body;

    /// <summary>Whether what announces an answer is worth showing though the answer fails before it says anything; otherwise the failure is an HTTP status.</summary>
    public virtual bool KeepsPreamble => false;

    /// <summary>Whether its clients can be told that what was said so far is void.</summary>
    public virtual bool SaysReset => false;

    /// <summary>A writer for the answer to <paramref name="request"/>: a stream or one document, as it asks.</summary>
    public abstract EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt);

    /// <summary>How a stream's first frame begins that <see cref="WriteQueued"/> has shown already; empty for a protocol that has no word for waiting.</summary>
    public virtual ReadOnlySpan<byte> Announcement => default;

    /// <summary>Writes, as a sign of life that the log does not hold, that an answer waits for a worker.</summary>
    public virtual void WriteQueued(GenerationRequest request, string generationId, DateTimeOffset createdAt, IBufferWriter<byte> output)
    {
    }

    /// <summary>Writes the error body of an HTTP reply in the protocol's shape.</summary>
    public abstract void WriteError(RequestException error, IBufferWriter<byte> output);

    /// <summary>As <see cref="WriteError(RequestException, IBufferWriter{byte})"/>, for a protocol whose errors name the request.</summary>
    public virtual void WriteError(RequestException error, string? requestId, IBufferWriter<byte> output) => WriteError(error, output);

    /// <summary>The media type of error bodies and of answers that are not streams.</summary>
    public virtual string ContentType => "application/json";

    /// <summary>Writes the headers that say what a caller has left of its limits, as the protocol's SDKs read them.</summary>
    /// <param name="limits">What is left.</param>
    /// <param name="now">The time.</param>
    /// <param name="header">Takes each header's name and value.</param>
    public virtual void WriteRateLimits(RateLimits limits, DateTimeOffset now, Action<string, string> header) => RateLimitHeaders.Write(limits, header);

    /// <summary>Request headers that go on to a provider of the same protocol, e.g. <c>anthropic-beta</c>.</summary>
    public virtual IReadOnlyList<string> ProviderHeaders => [];

    /// <summary>Writes a sign of life for a silent stream, once there is a reply.</summary>
    /// <remarks>After an id field some SDKs dispatch an empty event on a blank line, so a comment line stands alone.</remarks>
    public virtual void WriteHeartbeat(IBufferWriter<byte> output) => Sse.SseWriter.Comment(output, "ping"u8);
}

/// <summary>A wire format as providers speak it.</summary>
public abstract class ProviderProtocol
{
    /// <summary>Its name in configuration, e.g. <c>chat-completions</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The path of the call, relative to the provider's base URL.</summary>
    public abstract string Path(string model, bool stream);

    /// <summary>The path where the provider counts the tokens of a request of its own protocol, relative to its base URL; null where it does not.</summary>
    public virtual string? CountTokensPath(string model) => null;

    /// <summary>The member of the reply that holds the count.</summary>
    public virtual string TokenCountMember => throw new NotSupportedException();

    /// <summary>Writes the body that asks for the tokens of <paramref name="request"/>, which is one of the same protocol, to be counted.</summary>
    public virtual void WriteCountRequest(GenerationRequest request, string model, IBufferWriter<byte> output) => throw new NotSupportedException();

    /// <summary>The same of a request for an answer, whose body has members that mean nothing to who counts.</summary>
    public virtual void WriteCountOfRequest(GenerationRequest request, string model, IBufferWriter<byte> output) => throw new NotSupportedException();

    /// <summary>The credential header's name and value.</summary>
    public abstract (string Name, string Value) Credential(string apiKey);

    /// <summary>Headers that every call carries beside the credential, e.g. <c>anthropic-version</c>.</summary>
    public virtual IReadOnlyList<KeyValuePair<string, string>> Headers => [];

    /// <summary>Writes the body that asks the provider's <paramref name="model"/> for <paramref name="request"/>.</summary>
    /// <param name="request">What the client asked, in any protocol.</param>
    /// <param name="model">The provider's own name of the model.</param>
    /// <param name="stream">Whether to ask for a stream.</param>
    /// <param name="output">Takes the JSON.</param>
    /// <param name="dropped">Takes the names of what this protocol has no words for.</param>
    /// <exception cref="RequestException">The request holds what this protocol cannot say and the answer depends on.</exception>
    public abstract void WriteRequest(GenerationRequest request, string model, bool stream, IBufferWriter<byte> output, DroppedFields dropped);

    /// <summary>Whether models sign their tool calls and want to see the signatures again, wherever the client has left them.</summary>
    public virtual bool SignsCalls => false;

    /// <summary>A reader for one answer.</summary>
    /// <param name="choices">How many answers were asked for (<see cref="GenerationRequest.Choices"/>): it is finished when all are.</param>
    public abstract EventReader NewEventReader(int choices = 1);

    /// <summary>Turns the reply of a call that failed into an error fit for strangers: none of the provider's words goes through.</summary>
    /// <param name="status">The reply's HTTP status.</param>
    /// <param name="body">Its body, or the beginning of it; anything at all.</param>
    /// <param name="retryAfter">When the provider said to come back.</param>
    public abstract GenerationError ReadError(int status, ReadOnlySpan<byte> body, TimeSpan? retryAfter);
}
