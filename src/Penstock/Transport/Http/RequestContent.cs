using System.Net;
using System.Net.Http;

namespace Penstock.Transport.Http;

/// <summary>A request's JSON body.</summary>
internal sealed class RequestContent : HttpContent
{
    public RequestContent(ReadOnlyMemory<byte> body)
    {
        Body = body;
        Headers.TryAddWithoutValidation("Content-Type", "application/json");
    }

    public ReadOnlyMemory<byte> Body { get; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        stream.WriteAsync(Body, cancellationToken).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        length = Body.Length;
        return true;
    }
}
