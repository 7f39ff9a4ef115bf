using System.Buffers;

namespace Penstock.Protocols.Text;

/// <summary>The plain endpoints: a prompt in, <c>data: token</c> out. They differ in names only.</summary>
/// <param name="name">Its name in the log.</param>
/// <param name="promptName">What the prompt is called: <c>prompt</c> or <c>query</c>.</param>
/// <param name="namesTokens">Whether tokens are <c>event: token</c>.</param>
/// <param name="namesDone">Whether the end is <c>event: done</c>.</param>
internal sealed class TextProtocol(string name, string promptName, bool namesTokens, bool namesDone) : ClientProtocol
{
    public override string Name => name;

    public override GenerationRequest ReadRequest(ReadOnlyMemory<byte> body) => TextRequestReader.Read(body, name, promptName);

    public override EventWriter NewEventWriter(GenerationRequest request, string generationId, DateTimeOffset createdAt) =>
        new TextEventWriter(namesTokens, namesDone);

    public override bool SaysReset => true;

    public override void WriteError(RequestException error, IBufferWriter<byte> output) => Native.NativeErrorWriter.Write(error, output);
}
