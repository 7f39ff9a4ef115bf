using System.Buffers;
using System.Text;

namespace Penstock.Protocols.Responses;

/// <summary>A message of an output while it is written: texts and refusals, one after another.</summary>
internal sealed class ResponsesMessage
{
    private readonly int _index;
    private readonly string _id;
    private readonly ArrayBufferWriter<byte> _content = new(); // the parts that are whole, with commas between
    private readonly ArrayBufferWriter<byte> _whole = new();
    private int _parts;

    public ResponsesMessage(ResponsesObject response, int index)
    {
        _index = index;
        _id = Encoding.ASCII.GetString(response.ItemId("msg_", index));
    }

    public int Index => _index;

    /// <summary>The answer was cut while a part of it was open.</summary>
    public bool IsCut { get; set; }

    /// <summary>The item, once it has ended.</summary>
    public ReadOnlySpan<byte> Whole => _whole.WrittenSpan;

    public void Start(ResponsesFrames frames)
    {
        var output = frames.Begin("response.output_item.added"u8);
        WriteItemHead(output);
        WriteItem("in_progress"u8, output);
        frames.End();
    }

    public IResponsesPart Add(bool isRefusal, ResponsesFrames frames)
    {
        var part = new Part(this, isRefusal, _parts++);
        part.Start(frames);
        return part;
    }

    public void End(ResponsesFrames frames)
    {
        WriteItem(IsCut ? "incomplete"u8 : "completed"u8, _whole);
        var output = frames.Begin("response.output_item.done"u8);
        WriteItemHead(output);
        output.Write(_whole.WrittenSpan);
        frames.End();
    }

    private void WriteItemHead(IBufferWriter<byte> output)
    {
        output.Write("\"output_index\":"u8);
        JsonText.WriteNumber(_index, output);
        output.Write(",\"item\":"u8);
    }

    private void WriteItem(ReadOnlySpan<byte> status, IBufferWriter<byte> output)
    {
        output.Write("{\"id\":"u8);
        JsonText.WriteString(_id, output);
        output.Write(",\"type\":\"message\",\"status\":\""u8);
        output.Write(status);
        output.Write("\",\"role\":\"assistant\",\"content\":["u8);
        output.Write(_content.WrittenSpan);
        output.Write("]}"u8);
    }

    private sealed class Part : IResponsesPart
    {
        private readonly ResponsesMessage _message;
        private readonly bool _isRefusal;
        private readonly byte[] _place; // what all events of the part begin with
        private readonly byte[] _beforeDelta;
        private readonly ArrayBufferWriter<byte> _text = new();
        private readonly ArrayBufferWriter<byte> _annotations = new();
        private readonly ArrayBufferWriter<byte> _logProbs = new();
        private int _annotationCount;
        private int _characters; // of the first bytes of the text
        private int _counted; // how many bytes

        public Part(ResponsesMessage message, bool isRefusal, int index)
        {
            _message = message;
            _isRefusal = isRefusal;
            _place = Encoding.ASCII.GetBytes($"\"item_id\":\"{message._id}\",\"output_index\":{message._index},\"content_index\":{index},");
            _beforeDelta = [.. _place, .. "\"delta\":\""u8];
        }

        public void Start(ResponsesFrames frames) => WriteWhole("response.content_part.added"u8, frames);

        public void Append(in GenerationEvent delta, ResponsesFrames frames)
        {
            if (_isRefusal)
            {
                if (delta.Text.IsEmpty) return;
                _text.Write(delta.Text);
                frames.Write("response.refusal.delta"u8, _beforeDelta, delta.Text, "\""u8);
                return;
            }

            if (!delta.Text.IsEmpty || !delta.LogProbs.IsEmpty)
            {
                _text.Write(delta.Text);
                if (delta.LogProbs.IsEmpty) frames.Write("response.output_text.delta"u8, _beforeDelta, delta.Text, "\",\"logprobs\":[]"u8);
                else AppendWithLogProbs(delta, frames);
            }

            if (!delta.Citation.IsEmpty) Cite(delta.Citation, frames);
        }

        public void Stop(ResponsesFrames frames)
        {
            var output = frames.Begin(_isRefusal ? "response.refusal.done"u8 : "response.output_text.done"u8);
            output.Write(_place);
            output.Write(_isRefusal ? "\"refusal\":\""u8 : "\"text\":\""u8);
            output.Write(_text.WrittenSpan);
            output.Write("\""u8);
            if (!_isRefusal) WriteList(",\"logprobs\":["u8, _logProbs, output);
            frames.End();
            WriteWhole("response.content_part.done"u8, frames);
            if (_message._content.WrittenCount > 0) _message._content.Write(","u8);
            Write(_message._content);
        }

        private void AppendWithLogProbs(in GenerationEvent delta, ResponsesFrames frames)
        {
            var list = ResponsesLogProbs.List(delta.LogProbs);
            frames.Write("response.output_text.delta"u8, _beforeDelta, delta.Text, [.. "\",\"logprobs\":["u8, .. list, .. "]"u8]);
            if (list.IsEmpty) return;
            if (_logProbs.WrittenCount > 0) _logProbs.Write(","u8);
            var writer = new SpanWriter(_logProbs.GetSpan(list.Length));
            writer.AppendOnOneLine(list);
            _logProbs.Advance(writer.Length);
        }

        private void Cite(ReadOnlySpan<byte> citation, ResponsesFrames frames)
        {
            var annotation = new ArrayBufferWriter<byte>();
            _characters += JsonText.ToText(_text.WrittenSpan[_counted..]).Length;
            _counted = _text.WrittenCount;
            ResponsesAnnotation.Write(Citation.Read(citation), _characters, annotation);
            var output = frames.Begin("response.output_text.annotation.added"u8);
            output.Write(_place);
            output.Write("\"annotation_index\":"u8);
            JsonText.WriteNumber(_annotationCount++, output);
            output.Write(",\"annotation\":"u8);
            output.Write(annotation.WrittenSpan);
            frames.End();
            if (_annotations.WrittenCount > 0) _annotations.Write(","u8);
            _annotations.Write(annotation.WrittenSpan);
        }

        private void WriteWhole(ReadOnlySpan<byte> type, ResponsesFrames frames)
        {
            var output = frames.Begin(type);
            output.Write(_place);
            output.Write("\"part\":"u8);
            Write(output);
            frames.End();
        }

        private void Write(IBufferWriter<byte> output)
        {
            output.Write(_isRefusal ? "{\"type\":\"refusal\",\"refusal\":\""u8 : "{\"type\":\"output_text\",\"text\":\""u8);
            output.Write(_text.WrittenSpan);
            output.Write("\""u8);
            if (!_isRefusal)
            {
                WriteList(",\"annotations\":["u8, _annotations, output);
                WriteList(",\"logprobs\":["u8, _logProbs, output);
            }

            output.Write("}"u8);
        }

        private static void WriteList(ReadOnlySpan<byte> before, ArrayBufferWriter<byte> list, IBufferWriter<byte> output)
        {
            output.Write(before);
            output.Write(list.WrittenSpan);
            output.Write("]"u8);
        }
    }
}
