using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>POST: appends to a stream, closes it, or both at once.</summary>
internal sealed class AppendToStream(IStreamLog log, StreamQuota quota, PenstockOptions options)
{
    /// <returns>From which offset to which one the stream has grown.</returns>
    public async ValueTask<(long Before, long After)> HandleAsync(HttpContext context, StreamName name)
    {
        var append = Read(context.Request);
        var info = await name.FindAsync(log) ?? throw DurableStreamsEndpoints.NotFound();
        if (info.KeptForForks) throw DurableStreamsEndpoints.Deleted();
        var metadata = StreamMetadata.Of(info);
        using var events = new StreamBatch();
        var hasBody = context.Request.ContentType is { } type && metadata.Takes(type)
            ? await StreamBody.ReadAsync(context, metadata, events, options.Limits.MaxBodyBytes)
            : await RefuseBodyAsync(context, metadata, info);
        if (hasBody && events.Count == 0) throw new RequestException("The array is empty: there is nothing to append.") { Code = "empty_array" };
        if (!hasBody && !append.Close) throw new RequestException($"The body is empty; only a request with {StreamHeader.Closed}: true may be.") { Code = "empty_body" };

        using var room = await quota.TakeAsync(name, streams: 0, events.Bytes.Length);
        var result = await log.AppendAsync(name.LogPath, events, append);
        if (result.Status == AppendStatus.Appended) room?.Keep();
        Write(context.Response, append, result, hasBody);
        return (result.NextOffset - (result.Status == AppendStatus.Appended ? events.Count : 0), result.NextOffset);
    }

    /// <returns>False when there is no body, which needs no type.</returns>
    private async ValueTask<bool> RefuseBodyAsync(HttpContext context, StreamMetadata metadata, StreamInfo info)
    {
        using var ignored = new StreamBatch();
        if (!await StreamBody.ReadAsync(context, new StreamMetadata("application/octet-stream"), ignored, options.Limits.MaxBodyBytes)) return false;
        if (info.Closed) throw Closed(context.Response, info.NextOffset);
        throw context.Request.ContentType is not { } type
            ? new RequestException("A body needs its Content-Type.") { Code = "content_type_missing" }
            : new RequestException($"The stream holds {metadata.ContentType}, not {type}.") { Status = StatusCodes.Status409Conflict, Code = "content_type_mismatch" };
    }

    private static void Write(HttpResponse response, in StreamAppend append, in AppendResult result, bool hasBody)
    {
        var headers = response.Headers;
        headers[StreamHeader.NextOffset] = StreamOffset.Format(result.NextOffset);
        if (result.Closed) headers[StreamHeader.Closed] = "true";
        if (append.ProducerId is not null)
        {
            headers[StreamHeader.ProducerEpoch] = Text(result.ProducerEpoch);
            if (result.Status is AppendStatus.Appended or AppendStatus.Duplicate) headers[StreamHeader.ProducerSeq] = Text(result.ProducerSeq);
        }

        switch (result.Status)
        {
            case AppendStatus.Appended:
                response.StatusCode = hasBody && append.ProducerId is not null ? StatusCodes.Status200OK : StatusCodes.Status204NoContent;
                return;
            case AppendStatus.Duplicate:
                response.StatusCode = StatusCodes.Status204NoContent;
                return;
            case AppendStatus.NotFound:
                throw DurableStreamsEndpoints.NotFound();
            case AppendStatus.Closed:
                throw Closed(response, result.NextOffset);
            case AppendStatus.StaleEpoch:
                throw new RequestException($"A later epoch of this producer has appended: {result.ProducerEpoch}.") { Status = StatusCodes.Status403Forbidden, Code = "stale_epoch" };
            case AppendStatus.EpochStartsLate:
                throw new RequestException($"A new epoch begins with {StreamHeader.ProducerSeq} 0.") { Code = "invalid_producer" };
            case AppendStatus.OutOfOrder:
                throw new RequestException($"{StreamHeader.Sequence} is not beyond the last one.") { Status = StatusCodes.Status409Conflict, Code = "sequence_regression" };
            default:
                headers[StreamHeader.ProducerExpectedSeq] = Text(result.ProducerSeq + 1);
                headers[StreamHeader.ProducerReceivedSeq] = Text(append.ProducerSeq);
                throw new RequestException($"An append of this producer is missing in between: {result.ProducerSeq + 1} is next.") { Status = StatusCodes.Status409Conflict, Code = "sequence_gap" };
        }
    }

    private static StreamAppend Read(HttpRequest request)
    {
        var headers = request.Headers;
        var sequence = headers[StreamHeader.Sequence].ToString();
        var append = new StreamAppend { Close = DurableStreamsEndpoints.AsksToClose(request), Sequence = sequence.Length == 0 ? null : Name(StreamHeader.Sequence, sequence) };
        var (hasId, hasEpoch, hasSeq) = (headers.TryGetValue(StreamHeader.ProducerId, out var ids), headers.TryGetValue(StreamHeader.ProducerEpoch, out var epochs), headers.TryGetValue(StreamHeader.ProducerSeq, out var seqs));
        if (!hasId && !hasEpoch && !hasSeq) return append;
        if (!hasId || !hasEpoch || !hasSeq) throw Invalid($"{StreamHeader.ProducerId}, {StreamHeader.ProducerEpoch}, {StreamHeader.ProducerSeq} go together.");
        var id = ids.ToString();
        if (id.Length == 0) throw Invalid($"{StreamHeader.ProducerId} is empty.");
        if (!WholeNumber.TryParse(epochs.ToString(), out var epoch) || !WholeNumber.TryParse(seqs.ToString(), out var seq))
            throw Invalid($"{StreamHeader.ProducerEpoch} and {StreamHeader.ProducerSeq} are whole numbers.");
        return append with { ProducerId = Name(StreamHeader.ProducerId, id), ProducerEpoch = epoch, ProducerSeq = seq };
    }

    private static string Name(string header, string value) =>
        Encoding.UTF8.GetByteCount(value) <= AppendLedger.MaxNameBytes ? value : throw Invalid($"{header} is longer than {AppendLedger.MaxNameBytes} bytes.");

    private static RequestException Invalid(string message) => new(message) { Code = "invalid_producer" };

    private static RequestException Closed(HttpResponse response, long nextOffset)
    {
        response.Headers[StreamHeader.Closed] = "true";
        response.Headers[StreamHeader.NextOffset] = StreamOffset.Format(nextOffset);
        return new RequestException("The stream is closed.") { Status = StatusCodes.Status409Conflict, Code = "stream_closed" };
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
