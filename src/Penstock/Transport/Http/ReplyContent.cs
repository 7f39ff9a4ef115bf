using System.Net;
using System.Net.Http;

namespace Penstock.Transport.Http;

/// <summary>A reply's body as the framework's messages carry it.</summary>
internal sealed class ReplyContent : HttpContent
{
    public Stream Body { get; set; } = Stream.Null;

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult(Body);

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => Body;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => Body.CopyToAsync(stream);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        Body.CopyToAsync(stream, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false; // what the header says is in the header
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) Body.Dispose();
        base.Dispose(disposing);
    }
}
