using System.Buffers;
using System.Text;

namespace Penstock.Protocols.Responses;

/// <summary>Writes the response object of our own making: what stands in events, in whole answers, and at <c>GET /v1/responses/{id}</c>.</summary>
internal sealed class ResponsesObject(GenerationRequest request, string generationId, DateTimeOffset createdAt)
{
    private string _model = request.Model ?? "";

    /// <summary>The response's id: <c>resp_</c> and the digits of <c>gen_…</c>.</summary>
    public string Id { get; } = ProtocolId.Of("resp_", generationId);

    /// <summary>The model that answers, where the client named none.</summary>
    public void TakeModel(string? model)
    {
        if (request.Model is null && model is not null) _model = model;
    }

    /// <summary>Writes the object on one line.</summary>
    /// <param name="status"><c>queued</c>, <c>in_progress</c>, <c>completed</c>, <c>incomplete</c>, <c>cancelled</c> or <c>failed</c>.</param>
    /// <param name="error">Why it failed.</param>
    /// <param name="incomplete">Why it is incomplete, or null.</param>
    /// <param name="items">The output's items, JSON with commas between.</param>
    /// <param name="usage">The usage, once it is known.</param>
    /// <param name="output">Takes the JSON.</param>
    public void Write(ReadOnlySpan<byte> status, GenerationError? error, string? incomplete, ReadOnlySpan<byte> items, Usage? usage, IBufferWriter<byte> output)
    {
        output.Write("{\"id\":"u8);
        JsonText.WriteString(Id, output);
        output.Write(",\"object\":\"response\",\"created_at\":"u8);
        JsonText.WriteNumber(createdAt.ToUnixTimeSeconds(), output);
        output.Write(",\"status\":\""u8);
        output.Write(status);
        output.Write("\",\"error\":"u8);
        WriteError(error, output);
        output.Write(",\"incomplete_details\":"u8);
        WriteIncomplete(incomplete, output);
        output.Write(",\"model\":"u8);
        JsonText.WriteString(_model, output);
        output.Write(",\"output\":["u8);
        output.Write(items);
        output.Write("],\"usage\":"u8);
        ResponsesUsage.Write(usage, output);
        output.Write(","u8);
        output.Write(ResponsesEcho.Members(request.Echo.Span));
        output.Write("}"u8);
    }

    /// <summary>Writes <c>{"code","message"}</c>, or <c>null</c>.</summary>
    public static void WriteError(GenerationError? error, IBufferWriter<byte> output)
    {
        if (error is null)
        {
            output.Write("null"u8);
            return;
        }

        output.Write("{\"code\":"u8);
        JsonText.WriteString(error.Code, output);
        output.Write(",\"message\":"u8);
        JsonText.WriteString(error.Message, output);
        output.Write("}"u8);
    }

    public static void WriteIncomplete(string? reason, IBufferWriter<byte> output)
    {
        if (reason is null)
        {
            output.Write("null"u8);
            return;
        }

        output.Write("{\"reason\":"u8);
        JsonText.WriteString(reason, output);
        output.Write("}"u8);
    }

    /// <summary>An item's id, e.g. <c>msg_…_0</c>.</summary>
    public byte[] ItemId(string prefix, int index) => Encoding.ASCII.GetBytes($"{ProtocolId.Of(prefix, generationId)}_{index}");
}
