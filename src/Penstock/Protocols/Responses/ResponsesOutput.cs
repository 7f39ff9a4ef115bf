using System.Buffers;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Makes a response's output of another protocol's blocks: the events of its items, and the items themselves, whole, for the
/// response's end. Texts that follow one another are parts of one message.
/// </summary>
internal sealed class ResponsesOutput(ResponsesObject response, ResponsesFrames frames)
{
    private readonly Dictionary<int, OpenBlock> _blocks = [];
    private readonly SortedDictionary<int, byte[]> _items = []; // those that are whole, by their index
    private readonly Dictionary<int, ResponsesMcpCall> _calls = []; // of the server's tools, until they have a result; by the call's block
    private readonly Dictionary<int, ResponsesMcpCall> _results = []; // by the result's block
    private ResponsesMessage? _message; // that the next text is a part of
    private int _nextIndex;

    /// <summary>The items that are whole, with commas between.</summary>
    public byte[] Items
    {
        get
        {
            var joined = new ArrayBufferWriter<byte>();
            foreach (var item in _items.Values)
            {
                if (joined.WrittenCount > 0) joined.Write(","u8);
                joined.Write(item);
            }

            return joined.WrittenSpan.ToArray();
        }
    }

    public void Start(in GenerationEvent start)
    {
        if (start.Choice > 0) return; // this protocol knows of one answer
        switch (start.BlockKind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                if (_message is null)
                {
                    _message = new ResponsesMessage(response, _nextIndex++);
                    _message.Start(frames);
                }

                _blocks[start.Block] = new OpenBlock(_message.Add(start.BlockKind == BlockKind.Refusal, frames), _message);
                return;
            case BlockKind.ServerToolCall:
                LeaveMessage();
                var call = new ResponsesMcpCall(start, response, _nextIndex++);
                call.Start(frames);
                _blocks[start.Block] = new OpenBlock(call, null);
                _calls[start.Block] = call;
                return;
            case BlockKind.ToolResult:
                if (!_calls.Remove(start.Call, out var called)) return;
                called.BeginResult(start.IsError);
                _results[start.Block] = called;
                return;
            case BlockKind.Other when !ResponsesItemTypes.IsOutput(start.Name):
                return; // another protocol's own
        }

        LeaveMessage();
        var item = new ResponsesBlockItem(start, response, _nextIndex++);
        item.Start(frames);
        _blocks[start.Block] = new OpenBlock(item, null);
    }

    public void Append(in GenerationEvent delta)
    {
        if (_blocks.TryGetValue(delta.Block, out var block)) block.Part.Append(delta, frames);
        else if (_results.TryGetValue(delta.Block, out var call)) call.AppendResult(delta.Text);
    }

    /// <summary>A person is asked to allow a call.</summary>
    public void Ask(int block)
    {
        if (!_calls.TryGetValue(block, out var call)) return;
        var index = _nextIndex++;
        Add(index, call.Ask(index, frames));
    }

    public void Stop(int block)
    {
        if (_results.Remove(block, out var call))
        {
            call.EndResult(frames);
            Add(call.Index, call.Whole);
        }

        if (!_blocks.Remove(block, out var open)) return;
        open.Part.Stop(frames);
        if (open.Part is ResponsesBlockItem item) Add(item.Index, item.Whole);
        else if (open.Message is { } message && message != _message) EndMessage(message);
    }

    /// <summary>Ends what is still open.</summary>
    /// <param name="isCut">The answer was cut, and what is open with it.</param>
    public void End(bool isCut)
    {
        LeaveMessage();
        while (_blocks.Count > 0)
        {
            var number = _blocks.Keys.Min();
            var open = _blocks[number];
            if (isCut && open.Part is ResponsesBlockItem item)
            {
                _blocks.Remove(number);
                item.Cut();
                Add(item.Index, item.Whole);
                continue;
            }

            if (isCut && open.Part is ResponsesMcpCall) _blocks.Remove(number);
            if (isCut && open.Message is not null) open.Message.IsCut = true;
            Stop(number);
        }

        foreach (var call in _calls.Values)
        {
            if (call.IsAsked && !isCut) continue; // the next response has it, if the client allows it
            call.Cut();
            Add(call.Index, call.Whole);
        }

        _calls.Clear();
    }

    /// <summary>What was said so far is void.</summary>
    public void Reset()
    {
        _blocks.Clear();
        _calls.Clear();
        _results.Clear();
        _items.Clear();
        _message = null;
    }

    // Something else begins, or nothing: the message ends, unless a text of it is still open.
    private void LeaveMessage()
    {
        if (_message is not { } message) return;
        _message = null;
        EndMessage(message);
    }

    private void EndMessage(ResponsesMessage message)
    {
        foreach (var block in _blocks.Values)
        {
            if (block.Message == message) return;
        }

        message.End(frames);
        Add(message.Index, message.Whole);
    }

    private void Add(int index, ReadOnlySpan<byte> item)
    {
        if (!item.IsEmpty) _items[index] = item.ToArray();
    }

    private readonly record struct OpenBlock(IResponsesPart Part, ResponsesMessage? Message);
}

/// <summary>What a block has become: a part of a message, or an item of its own.</summary>
internal interface IResponsesPart
{
    void Append(in GenerationEvent delta, ResponsesFrames frames);

    void Stop(ResponsesFrames frames);
}
