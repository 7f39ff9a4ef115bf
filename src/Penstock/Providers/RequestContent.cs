using System.Net;

namespace Penstock.Providers;

/// <summary>A request's JSON body, which is let go of once the reply has begun: it may hold images, and the reply may last.</summary>
internal sealed class RequestContent : HttpContent
{
    private ReadOnlyMemory<byte> _body;

    public RequestContent(ReadOnlyMemory<byte> body)
    {
        _body = body;
        Headers.TryAddWithoutValidation("Content-Type", "application/json");
        Headers.ContentLength = body.Length;
    }

    public void Release() => _body = default;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        stream.WriteAsync(_body, cancellationToken).AsTask();

    protected override bool TryComputeLength(out long length)
    {
        length = _body.Length;
        return true;
    }
}
