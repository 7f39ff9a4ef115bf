namespace Penstock.Sse;

/// <summary>
/// Turns the bytes of a text/event-stream into frames, by the WHATWG standard
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
/// Feed it whatever a read returned, split anywhere: it keeps only what an unfinished frame needs.
/// </summary>
public sealed class SseReader(int maxLineLength = SseReader.DefaultMaxLineLength) : IDisposable
{
    /// <summary>8 MiB: base64 images make lines of 1 to 4 MB.</summary>
    public const int DefaultMaxLineLength = 8 * 1024 * 1024;

    /// <summary>The last <c>id</c> that a dispatched frame set; empty when none did.</summary>
    public ReadOnlySpan<byte> LastEventId => throw new NotSupportedException();

    /// <summary>The last <c>retry</c> value in milliseconds, or null when none came.</summary>
    public long? Retry => throw new NotSupportedException();

    /// <summary>Takes the next frame from <paramref name="input"/>, moving it past what was used; false when all of it was used and no frame is complete.</summary>
    /// <exception cref="SseLineTooLongException">A line (or the data of one frame) exceeds the cap.</exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, out SseFrame frame) => throw new NotSupportedException($"{maxLineLength}");

    public void Dispose() => throw new NotSupportedException();
}

/// <summary>A line of an event stream is longer than the configured cap.</summary>
public sealed class SseLineTooLongException(int maxLength)
    : Exception($"A line of the event stream is longer than {maxLength} bytes.");
