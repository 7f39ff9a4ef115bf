namespace Penstock.Sse;

/// <summary>One dispatched server-sent event. Its spans are valid until the next call on the reader that returned it.</summary>
internal readonly ref struct SseFrame(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> data)
{
    /// <summary>The <c>event</c> field; empty where the frame has none (browsers then say "message").</summary>
    public ReadOnlySpan<byte> Event { get; } = eventName;

    /// <summary>The <c>data</c> lines joined by LF.</summary>
    public ReadOnlySpan<byte> Data { get; } = data;
}
