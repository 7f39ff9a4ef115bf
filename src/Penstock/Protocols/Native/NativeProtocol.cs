using System.Buffers;

namespace Penstock.Protocols.Native;

/// <summary>This server's own protocol: <c>/v1/generations</c>. docs/native.md describes it.</summary>
internal sealed class NativeProtocol : ClientProtocol
{
    public const string ProtocolName = "native";

    public override string Name => ProtocolName;

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => NativeRequestReader.Read(body);

    /// <summary>It writes nothing: a native client sees the JSON that every record holds.</summary>
    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) => SilentEventWriter.Instance;

    public override bool SaysReset => true;

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => NativeErrorWriter.Write(error, output);

    private sealed class SilentEventWriter : EventWriter
    {
        public static readonly SilentEventWriter Instance = new();

        public override void Write(in GenerationEvent generationEvent, EventId id, IBufferWriter<byte> output)
        {
        }
    }
}
