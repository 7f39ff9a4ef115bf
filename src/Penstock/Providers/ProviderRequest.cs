using System.Buffers;
using Penstock.Protocols;

namespace Penstock.Providers;

/// <summary>A request in the words of the provider that is to answer it.</summary>
internal sealed class ProviderRequest
{
    public required Target Target { get; init; }

    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Whether the provider is asked for a stream: as the client asked, where both speak one protocol; else always.</summary>
    public required bool Stream { get; init; }

    /// <summary>Whether the client asked for a stream.</summary>
    public required bool StreamAsked { get; init; }

    /// <summary>How many answers.</summary>
    public required int Choices { get; init; }

    /// <summary>The client's headers that go with it.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; }

    /// <summary>The client's names of what the provider's protocol has no words for.</summary>
    public required IReadOnlyList<string> Dropped { get; init; }

    /// <exception cref="RequestException">The request holds what the provider's protocol cannot say and the answer depends on.</exception>
    public static ProviderRequest From(GenerationRequest request, Target target)
    {
        var protocol = target.Provider.Protocol;
        var same = request.Protocol == protocol.Name;
        var stream = request.Stream || !same;
        var body = new ArrayBufferWriter<byte>(request.Body.Length + 256);
        var dropped = new DroppedFields();
        protocol.WriteRequest(request, target.Model, stream, body, dropped);
        return new ProviderRequest
        {
            Target = target,
            Body = body.WrittenMemory,
            Stream = stream,
            StreamAsked = request.Stream,
            Choices = request.Choices,
            Headers = same ? request.Headers : [],
            Dropped = dropped.Names,
        };
    }
}
