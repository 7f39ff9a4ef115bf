using Penstock.Protocols;

namespace Penstock.Providers;

/// <summary>Takes a provider's answer as it comes in.</summary>
internal interface IAnswerSink : IEventSink
{
    /// <summary>The provider has begun to reply.</summary>
    /// <param name="asAsked">The reply is a stream, or one document, as the client asked for; otherwise its payloads cannot be shown as they are.</param>
    void Begin(bool asAsked);

    /// <summary>The provider has said something, and not only that it will.</summary>
    bool HasOutput { get; }

    /// <summary>All events of one payload were written.</summary>
    /// <param name="eventName">The event name of the payload's frame, or empty.</param>
    /// <param name="payload">The payload's own bytes.</param>
    /// <param name="usage">The usage of the whole answer, once the provider has said it.</param>
    void EndPayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, Usage? usage);

    /// <summary>All that one read brought was written: store it and show it.</summary>
    ValueTask CommitAsync();
}
