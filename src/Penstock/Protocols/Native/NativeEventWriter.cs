using System.Buffers;

namespace Penstock.Protocols.Native;

/// <summary>Writes events as the JSON objects that the log keeps and the native endpoints show.</summary>
public static class NativeEventWriter
{
    /// <summary>Writes one event as a JSON object whose first member is <c>type</c>; without framing.</summary>
    public static void Write(in GenerationEvent generationEvent, IBufferWriter<byte> output) => throw new NotSupportedException();
}
