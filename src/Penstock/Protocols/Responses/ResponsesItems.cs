using System.Text;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>The items of an answer while it is read, and the blocks that they become.</summary>
internal sealed class ResponsesItems
{
    private readonly List<ResponsesItem> _items = [];
    private int _nextBlock;

    /// <summary>Whether the model calls one of the client's functions.</summary>
    public bool HasCalls => _items.Exists(i => i.Call is not null);

    /// <summary>A response begins: its items count from 0.</summary>
    public void Begin() => _items.Clear();

    public int NewBlock() => _nextBlock++;

    public ResponsesItem? Find(int outputIndex)
    {
        for (var i = _items.Count - 1; i >= 0; i--)
        {
            if (_items[i].OutputIndex == outputIndex) return _items[i];
        }

        return null;
    }

    /// <summary>The part that an event speaks of; its item is made up where the provider did not announce it.</summary>
    public ResponsesPart Part(in ResponsesPayload payload, ReadOnlySpan<byte> type, ResponsesPartKind kind)
    {
        var item = Find(payload.OutputIndex) ?? Add(new ResponsesItem(this, payload.OutputIndex, Encoding.ASCII.GetString(type), id: null));
        return item.Part(kind, payload.PartIndex);
    }

    /// <summary>An item is announced, or is there whole.</summary>
    public ResponsesItem Take(JsonElement json, int outputIndex, IEventSink sink)
    {
        if (Find(outputIndex) is { } known) return known;
        var item = Add(new ResponsesItem(this, outputIndex, JsonParts.String(json, "type"u8) ?? "", JsonParts.String(json, "id"u8)));
        item.Start(json, sink);
        return item;
    }

    /// <summary>An item of the finished response: whatever of it was not streamed is taken from here.</summary>
    public void TakeFinal(JsonElement json, int outputIndex, IEventSink sink)
    {
        if (json.ValueKind != JsonValueKind.Object) return;
        var id = JsonParts.String(json, "id"u8);
        var item = (id is null ? null : _items.Find(i => i.Id == id)) ?? Take(json, outputIndex, sink);
        item.Finish(json, sink);
    }

    public void Close(IEventSink sink)
    {
        foreach (var item in _items) item.Close(sink);
    }

    private ResponsesItem Add(ResponsesItem item)
    {
        _items.Add(item);
        return item;
    }
}
