using System.Buffers;
using System.Text;

namespace Penstock.Protocols.Messages;

/// <summary>What all answers of a generation have in common.</summary>
internal sealed class MessagesHead(GenerationRequest request, string messageId)
{
    private string? _model = request.Model;

    /// <summary>Our id as raw JSON.</summary>
    public byte[] Id { get; } = Encoding.ASCII.GetBytes($"\"{messageId}\"");

    /// <summary>The id of the request that started the generation, for errors in its stream.</summary>
    public string? RequestId { get; } = messageId.EndsWith('_') ? null : string.Concat("req_", messageId.AsSpan(messageId.IndexOf('_') + 1));

    /// <summary>The model that answers, where the client named none.</summary>
    public void TakeModel(string? model) => _model ??= model;

    /// <summary>Writes the members that a beginning and a whole message share, without the opening brace.</summary>
    public void WriteMembers(IBufferWriter<byte> output)
    {
        output.Write("\"id\":"u8);
        output.Write(Id);
        output.Write(",\"type\":\"message\",\"role\":\"assistant\",\"model\":"u8);
        JsonText.WriteString(_model ?? "", output);
    }
}
