using Microsoft.AspNetCore.Http;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>The wish for a fork.</summary>
/// <param name="Source">The path of the stream to fork.</param>
/// <param name="Offset">Where; null for where it ends now.</param>
/// <param name="SubOffset">How far behind that: messages in JSON mode, else bytes of the event there.</param>
internal sealed record ForkRequest(string Source, long? Offset, long SubOffset)
{
    /// <exception cref="RequestException">A header cannot be read.</exception>
    public static ForkRequest? Read(IHeaderDictionary headers)
    {
        var from = headers[StreamHeader.ForkedFrom].ToString();
        if (from.Length == 0)
        {
            return headers.ContainsKey(StreamHeader.ForkSubOffset) || headers.ContainsKey(StreamHeader.ForkOffset)
                ? throw Invalid($"{StreamHeader.ForkOffset} and {StreamHeader.ForkSubOffset} need {StreamHeader.ForkedFrom}.")
                : null;
        }

        long? offset = null;
        if (headers.TryGetValue(StreamHeader.ForkOffset, out var where))
        {
            offset = where == StreamOffset.Start ? 0
                : StreamOffset.TryParse(where.ToString(), out var parsed) ? parsed
                : throw Invalid($"{StreamHeader.ForkOffset} is not an offset that this server gave.");
        }

        long subOffset = 0;
        if (headers.TryGetValue(StreamHeader.ForkSubOffset, out var sub) && !WholeNumber.TryParse(sub.ToString(), out subOffset))
            throw Invalid($"{StreamHeader.ForkSubOffset} is no whole number.");
        return new ForkRequest(StreamAddress.ParseUrlPath(from), offset, subOffset);
    }

    /// <summary>Finds where the fork's own events begin. The part of an event that it takes over becomes its own first event.</summary>
    /// <exception cref="RequestException">There is no such place in the source.</exception>
    public async ValueTask<StreamFork> ResolveAsync(IStreamLog log, StreamInfo source, bool isJson, StreamBatch events)
    {
        var offset = Offset ?? source.NextOffset;
        if (offset > source.NextOffset) throw Invalid($"{StreamHeader.ForkOffset} is behind the stream's end.");
        if (SubOffset == 0) return new StreamFork(source.Path, offset);
        if (isJson)
        {
            return SubOffset <= source.NextOffset - offset
                ? new StreamFork(source.Path, offset + SubOffset)
                : throw Invalid($"{StreamHeader.ForkSubOffset} is behind the stream's end.");
        }

        if (offset == source.NextOffset) throw Invalid($"{StreamHeader.ForkSubOffset} is behind the stream's end.");
        using var reader = await log.OpenReaderAsync(source.Path, offset) ?? throw DurableStreamsEndpoints.NotFound();
        while (true)
        {
            if (TakePart(reader, events) is { } isWhole) return new StreamFork(source.Path, isWhole ? offset + 1 : offset);
            if (await reader.WaitAsync() is not StreamWait.Ready) throw DurableStreamsEndpoints.NotFound();
        }
    }

    private bool? TakePart(IStreamReader reader, StreamBatch events)
    {
        if (!reader.TryRead(out var streamEvent)) return null;
        if (SubOffset > streamEvent.Data.Length) throw Invalid($"{StreamHeader.ForkSubOffset} is behind the end of what was appended there.");
        if (SubOffset == streamEvent.Data.Length) return true;
        events.Add(streamEvent.Data[..(int)SubOffset]);
        return false;
    }

    private static RequestException Invalid(string message) => new(message) { Code = "invalid_fork" };
}
