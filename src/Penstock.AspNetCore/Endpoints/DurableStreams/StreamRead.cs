using Microsoft.AspNetCore.Http;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>What a reader asks for, checked against the stream as it is now.</summary>
/// <param name="LogPath">The stream's path in the log.</param>
/// <param name="Info">The stream.</param>
/// <param name="Metadata">What it was created with.</param>
/// <param name="Offset">Where to begin.</param>
/// <param name="IsNow">Where to begin was asked for as the end, wherever that is.</param>
internal sealed record StreamRead(string LogPath, StreamInfo Info, StreamMetadata Metadata, long Offset, bool IsNow)
{
    /// <summary>An event as this protocol shows it: a generation's record is its JSON, and what its own protocol shows.</summary>
    public ReadOnlySpan<byte> Show(ReadOnlySpan<byte> data) => Info.Shared ? data : EventRecord.Json(data);

    /// <exception cref="RequestException">There is no such stream, or the offset cannot be.</exception>
    public static async ValueTask<StreamRead> OpenAsync(HttpContext context, IStreamLog log, StreamName name, bool needsOffset)
    {
        var offsets = context.Request.Query["offset"];
        if (offsets.Count > 1) throw Invalid("offset is there more than once.");
        if (offsets.Count == 1 && string.IsNullOrEmpty(offsets[0])) throw Invalid("offset is empty; leave it out to read from the beginning.");
        var text = LastEventId(context) ?? (offsets.Count == 1 ? offsets[0]! : null);
        if (text is null && needsOffset) throw Invalid("A live read needs an offset; -1 is the beginning, now the end.");
        long offset = 0;
        if (text is not null and not StreamOffset.Start and not StreamOffset.Now && !StreamOffset.TryParse(text, out offset))
            throw Invalid("The offset is not one that this server gave.");

        var info = await name.FindAsync(log) ?? throw DurableStreamsEndpoints.NotFound();
        if (info.KeptForForks) throw DurableStreamsEndpoints.Deleted();
        var isNow = text == StreamOffset.Now;
        if (isNow) offset = info.NextOffset;
        if (text is null or StreamOffset.Start) offset = info.FirstOffset;
        if (offset > info.NextOffset) throw Invalid("The offset is behind the stream's end.");
        return new StreamRead(name.LogPath, info, StreamMetadata.Of(info), offset, isNow);
    }

    /// <summary>What is asked for is not kept any more.</summary>
    public bool IsBehind => Offset < Info.FirstOffset;

    public static RequestException Behind(StreamInfo info) => new($"The stream begins at {StreamOffset.Format(info.FirstOffset)} now; what was before is not kept.")
    {
        Status = StatusCodes.Status410Gone,
        Code = "offset_gone",
        Param = "offset",
    };

    // What a browser's EventSource sends when it comes back; newer than the address.
    private static string? LastEventId(HttpContext context)
    {
        var id = context.Request.Headers["Last-Event-ID"].ToString();
        return id.Length == 0 ? null : id;
    }

    private static RequestException Invalid(string message) => new(message) { Code = "invalid_offset", Param = "offset" };
}
