using System.Buffers;
using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>Reads a request's body whole, up to a limit.</summary>
internal static class RequestBody
{
    // What is said to come has not come: whoever says much and sends nothing is to hold no more than this.
    private const long MostAtOnce = 256 * 1024;

    /// <exception cref="RequestException">Not JSON by its content type (415), or larger than the limit (413).</exception>
    public static ValueTask<ReadOnlyMemory<byte>> ReadJsonAsync(HttpContext context, long limit)
    {
        var request = context.Request;
        // A type that a browser must preflight, so that no other site's page can spend the user's tokens.
        if (request.ContentType != "application/json" && !request.HasJsonContentType())
        {
            throw new RequestException($"The body's Content-Type is '{request.ContentType ?? "absent"}'; send application/json.")
            {
                Status = 415,
                Code = "unsupported_content_type",
            };
        }

        return ReadAsync(context, limit);
    }

    /// <summary>Reads it whatever it is said to be.</summary>
    /// <exception cref="RequestException">Larger than the limit (413).</exception>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadAsync(HttpContext context, long limit)
    {
        var request = context.Request;
        if (request.ContentLength > limit) throw TooLarge(limit);
        var body = new ArrayBufferWriter<byte>((int)Math.Clamp(request.ContentLength ?? 4096, 1, MostAtOnce));
        var reader = request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (body.WrittenCount + read.Buffer.Length > limit) throw TooLarge(limit);
            foreach (var segment in read.Buffer)
            {
                if (segment.Length > 0) body.Write(segment.Span); // nothing would make a full buffer grow
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) return body.WrittenMemory;
        }
    }

    private static RequestException TooLarge(long limit) => new($"The body is larger than {limit} bytes, which is the limit here. Send less, images by URL for instance.")
    {
        Status = 413,
        Code = "request_too_large",
    };
}
