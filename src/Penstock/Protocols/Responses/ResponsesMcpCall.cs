using System.Buffers;
using System.Text;

namespace Penstock.Protocols.Responses;

/// <summary>A call of a tool that the server runs, while it is written: an <c>mcp_call</c>, which is whole only with what the tool gave back.</summary>
internal sealed class ResponsesMcpCall : IResponsesPart
{
    private readonly ResponsesObject _response;
    private readonly string _id;
    private readonly byte[] _name;
    private readonly byte[] _server;
    private readonly byte[] _place; // what all events of the item begin with
    private readonly byte[] _beforeDelta;
    private readonly ArrayBufferWriter<byte> _arguments = new();
    private readonly ArrayBufferWriter<byte> _result = new();
    private readonly ArrayBufferWriter<byte> _whole = new();
    private string? _approvalId;
    private bool _isError;

    public ResponsesMcpCall(in GenerationEvent start, ResponsesObject response, int index)
    {
        Index = index;
        _response = response;
        _id = Encoding.ASCII.GetString(response.ItemId("mcp_", index));
        if (start.Id is { } asked && asked.StartsWith("mcpr_", StringComparison.Ordinal)) _approvalId = asked; // an earlier response asked
        _name = JsonText.ToJson(start.Name ?? "");
        _server = JsonText.ToJson(start.Server ?? "");
        _place = Encoding.ASCII.GetBytes($"\"item_id\":\"{_id}\",\"output_index\":{index}");
        _beforeDelta = [.. _place, .. ",\"delta\":\""u8];
    }

    public int Index { get; }

    /// <summary>A person was asked to allow it.</summary>
    public bool IsAsked { get; private set; }

    /// <summary>The item, once it has ended.</summary>
    public ReadOnlySpan<byte> Whole => _whole.WrittenSpan;

    public void Start(ResponsesFrames frames)
    {
        WriteItemEvent("response.output_item.added"u8, "in_progress"u8, frames);
        WritePlain("response.mcp_call.in_progress"u8, frames);
    }

    public void Append(in GenerationEvent delta, ResponsesFrames frames)
    {
        if (delta.Text.IsEmpty) return;
        _arguments.Write(delta.Text);
        frames.Write("response.mcp_call_arguments.delta"u8, _beforeDelta, delta.Text, "\""u8);
    }

    /// <summary>The model has said the whole call.</summary>
    public void Stop(ResponsesFrames frames)
    {
        if (_arguments.WrittenCount == 0) Append(new GenerationEvent { Kind = EventKind.Delta, Text = "{}"u8 }, frames); // clients parse it
        var output = frames.Begin("response.mcp_call_arguments.done"u8);
        output.Write(_place);
        WriteText(",\"arguments\":"u8, _arguments, output);
        frames.End();
    }

    /// <summary>A person is asked: an item of its own says so.</summary>
    /// <returns>That item.</returns>
    public byte[] Ask(int index, ResponsesFrames frames)
    {
        IsAsked = true;
        _approvalId = Encoding.ASCII.GetString(_response.ItemId("mcpr_", index));
        var item = new ArrayBufferWriter<byte>();
        item.Write("{\"id\":"u8);
        JsonText.WriteString(_approvalId, item);
        item.Write(",\"type\":\"mcp_approval_request\""u8);
        WriteCall(item);
        item.Write("}"u8);
        foreach (var type in (string[])["response.output_item.added", "response.output_item.done"])
        {
            var output = frames.Begin(Encoding.ASCII.GetBytes(type));
            WriteIndex(index, output);
            output.Write(item.WrittenSpan);
            frames.End();
        }

        return item.WrittenSpan.ToArray();
    }

    public void BeginResult(bool isError) => _isError = isError;

    public void AppendResult(ReadOnlySpan<byte> text) => _result.Write(text);

    /// <summary>The result is whole, and with it the item.</summary>
    public void EndResult(ResponsesFrames frames)
    {
        WritePlain(_isError ? "response.mcp_call.failed"u8 : "response.mcp_call.completed"u8, frames);
        WriteItem(_isError ? "failed"u8 : "completed"u8, hasResult: true, _whole);
        var output = frames.Begin("response.output_item.done"u8);
        WriteIndex(Index, output);
        output.Write(_whole.WrittenSpan);
        frames.End();
    }

    /// <summary>The answer was cut before there was a result: the item stands as far as it came, and no event says that it is done.</summary>
    public void Cut() => WriteItem("incomplete"u8, hasResult: false, _whole);

    private void WriteItemEvent(ReadOnlySpan<byte> type, ReadOnlySpan<byte> status, ResponsesFrames frames)
    {
        var output = frames.Begin(type);
        WriteIndex(Index, output);
        WriteItem(status, hasResult: false, output);
        frames.End();
    }

    private void WriteItem(ReadOnlySpan<byte> status, bool hasResult, IBufferWriter<byte> output)
    {
        output.Write("{\"id\":"u8);
        JsonText.WriteString(_id, output);
        output.Write(",\"type\":\"mcp_call\",\"status\":\""u8);
        output.Write(status);
        output.Write("\",\"approval_request_id\":"u8);
        JsonText.WriteString(_approvalId, output);
        WriteCall(output);
        if (hasResult && !_isError) WriteText(",\"output\":"u8, _result, output);
        else output.Write(",\"output\":null"u8);
        if (hasResult && _isError) WriteText(",\"error\":"u8, _result, output);
        else output.Write(",\"error\":null"u8);
        output.Write("}"u8);
    }

    private void WriteCall(IBufferWriter<byte> output)
    {
        output.Write(",\"server_label\":"u8);
        output.Write(_server);
        output.Write(",\"name\":"u8);
        output.Write(_name);
        WriteText(",\"arguments\":"u8, _arguments, output);
    }

    private static void WriteText(ReadOnlySpan<byte> before, ArrayBufferWriter<byte> text, IBufferWriter<byte> output)
    {
        output.Write(before);
        output.Write("\""u8);
        output.Write(text.WrittenSpan);
        output.Write("\""u8);
    }

    private static void WriteIndex(int index, IBufferWriter<byte> output)
    {
        output.Write("\"output_index\":"u8);
        JsonText.WriteNumber(index, output);
        output.Write(",\"item\":"u8);
    }

    private void WritePlain(ReadOnlySpan<byte> type, ResponsesFrames frames)
    {
        frames.Begin(type).Write(_place);
        frames.End();
    }
}
