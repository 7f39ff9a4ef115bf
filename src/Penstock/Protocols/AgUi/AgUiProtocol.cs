using System.Buffers;

namespace Penstock.Protocols.AgUi;

/// <summary>AG-UI, the protocol between agents and their user interfaces: <c>POST /ag-ui</c>.</summary>
/// <remarks>https://docs.ag-ui.com/concepts/events</remarks>
internal sealed class AgUiProtocol : ClientProtocol
{
    public const string ProtocolName = "ag-ui";

    public override string Name => ProtocolName;

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => AgUiRequestReader.Read(body);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) =>
        new AgUiEventWriter(AgUiRun.Of(request, generationId), ProtocolId.Of("msg_", generationId));

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => Native.NativeErrorWriter.Write(error, output);
}
