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
    }

    public void Stop(int block)
    {
        if (!_blocks.Remove(block, out var open)) return;
        open.Part.Stop(frames);
        if (open.Part is ResponsesBlockItem item) Add(item.Index, item.Whole);
        else if (open.Message != _message) EndMessage(open.Message!);
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

            if (isCut) open.Message!.IsCut = true;
            Stop(number);
        }
    }

    /// <summary>What was said so far is void.</summary>
    public void Reset()
    {
        _blocks.Clear();
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
