namespace Penstock.Sse;

/// <summary>A line of an event stream, or the data of one frame, is longer than the configured cap.</summary>
internal sealed class SseLineTooLongException(int maxLength)
    : Exception($"A line of the event stream, or the data of one frame, is longer than {maxLength} bytes.");
