using System.Buffers;
using System.Text;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Makes a response's output of another protocol's blocks: the events of its items, and the items themselves, whole, for the
/// response's end. Texts that follow one another are parts of one message.
/// </summary>
internal sealed class ResponsesOutput(ResponsesObject response, ResponsesFrames frames)
{
    private readonly Dictionary<int, OpenBlock> _blocks = [];
    private readonly ArrayBufferWriter<byte> _items = new(); // of all items that are whole, with commas between
    private ResponsesMessage? _message;
    private int _nextIndex;

    /// <summary>The items that are whole.</summary>
    public ReadOnlySpan<byte> Items => _items.WrittenSpan;

    public void Start(in GenerationEvent start)
    {
        switch (start.BlockKind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                if (_message is null)
                {
                    _message = new ResponsesMessage(response, _nextIndex++);
                    _message.Start(frames);
                }

                _blocks[start.Block] = new OpenBlock(start.BlockKind, _message.Add(start.BlockKind == BlockKind.Refusal, frames));
                return;
            case BlockKind.Other when !ResponsesItemTypes.IsOutput(start.Name):
                return; // another protocol's own
        }

        EndMessage();
        var item = new ResponsesBlockItem(start, response, _nextIndex++);
        item.Start(frames);
        _blocks[start.Block] = new OpenBlock(start.BlockKind, item);
    }

    public void Append(in GenerationEvent delta)
    {
        if (_blocks.TryGetValue(delta.Block, out var block)) block.Part.Append(delta, frames);
    }

    public void Stop(int block)
    {
        if (!_blocks.Remove(block, out var open)) return;
        open.Part.Stop(frames);
        if (open.Part is ResponsesBlockItem item) Add(item.Whole);
    }

    /// <summary>Ends what is still open.</summary>
    public void End()
    {
        while (_blocks.Count > 0) Stop(_blocks.Keys.Min());
        EndMessage();
    }

    /// <summary>What was said so far is void.</summary>
    public void Reset()
    {
        _blocks.Clear();
        _items.ResetWrittenCount();
        _message = null;
    }

    // A text that is still open when something else begins goes on in its message's place; the message ends here all the same.
    private void EndMessage()
    {
        if (_message is null) return;
        foreach (var (number, block) in _blocks.Where(b => b.Value.Kind is BlockKind.Text or BlockKind.Refusal).ToList()) Stop(number);
        _message.End(frames);
        Add(_message.Whole);
        _message = null;
    }

    private void Add(ReadOnlySpan<byte> item)
    {
        if (item.IsEmpty) return;
        if (_items.WrittenCount > 0) _items.Write(","u8);
        _items.Write(item);
    }

    private readonly record struct OpenBlock(BlockKind Kind, IResponsesPart Part);
}

/// <summary>What a block has become: a part of a message, or an item of its own.</summary>
internal interface IResponsesPart
{
    void Append(in GenerationEvent delta, ResponsesFrames frames);

    void Stop(ResponsesFrames frames);
}
