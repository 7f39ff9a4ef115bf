using System.Buffers;

namespace Penstock.Protocols.Responses;

/// <summary>An item of a conversation.</summary>
/// <param name="Id">Its id, which no other item of the conversation has.</param>
/// <param name="Json">The item.</param>
/// <param name="First">The offset of the first record of what it came with: a response's, or those that were put in together.</param>
/// <param name="Last">The offset of the last of them.</param>
internal sealed record ConversationItem(string Id, ReadOnlyMemory<byte> Json, long First, long Last);

/// <summary>What the records of a conversation's log make of it.</summary>
internal sealed class ConversationFold
{
    private readonly List<ConversationItem> _items = [];
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _copies = new(StringComparer.Ordinal);
    private readonly List<string> _turns = [];
    private readonly Dictionary<string, (string Body, IReadOnlyList<string> Ids)> _keys = new(StringComparer.Ordinal);
    private readonly List<(string Id, long At)> _deleted = [];
    private IReadOnlyList<byte[]> _asked = [];
    private long _turnAt;
    private long _next;

    /// <summary>What was said, the oldest first.</summary>
    public IReadOnlyList<ConversationItem> Items => _items;

    /// <summary>The generations that were begun in it, whatever came of them.</summary>
    public IReadOnlyList<string> Turns => _turns;

    /// <summary>How it stands.</summary>
    public ConversationHead Head { get; private set; } = new() { At = default };

    /// <summary>The offset up to which it says what was said: an open turn has said nothing yet.</summary>
    public long SettledEnd => Head.Turn is null ? _next : _turnAt;

    /// <summary>The items that came with a key, and the hash of what they were sent with; null for a new key.</summary>
    public (string Body, IReadOnlyList<string> Ids)? Find(string key) => _keys.TryGetValue(key, out var sent) ? sent : null;

    /// <summary>Takes the next record.</summary>
    public void Take(ReadOnlyMemory<byte> record)
    {
        var offset = _next++;
        var (kind, head, items) = ConversationRecord.Read(record);
        Head = head;
        if (head.Deleted.Count > 0)
        {
            // First: what a branch begins with may have the id of what was taken out of the other one.
            _items.RemoveAll(i => head.Deleted.Contains(i.Id, StringComparer.Ordinal));
            _deleted.AddRange(head.Deleted.Select(id => (id, offset)));
        }

        switch (kind)
        {
            case ConversationRecordKind.Items:
                var first = _items.Count;
                Add(items, offset, offset);
                if (head.Key is var (key, body)) _keys[key] = (body, [.. _items.Skip(first).Select(i => i.Id)]);
                break;
            case ConversationRecordKind.Turn:
                (_asked, _turnAt) = (items, offset);
                _turns.Add(head.Turn!);
                break;
            case ConversationRecordKind.Answer:
                Add(_asked, _turnAt, offset);
                Add(items, _turnAt, offset);
                _asked = [];
                break;
            case ConversationRecordKind.Void:
                _asked = [];
                break;
        }
    }

    /// <summary>The items that were taken out from an offset on.</summary>
    public IReadOnlyList<string> DeletedSince(long offset) => [.. _deleted.Where(d => d.At >= offset).Select(d => d.Id)];

    /// <summary>The items as a list, as a request's input has them.</summary>
    public byte[] ToList()
    {
        var output = new ArrayBufferWriter<byte>(_items.Sum(i => i.Json.Length) + _items.Count + 2);
        output.Write("["u8);
        for (var i = 0; i < _items.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            output.Write(_items[i].Json.Span);
        }

        output.Write("]"u8);
        return output.WrittenSpan.ToArray();
    }

    private void Add(IReadOnlyList<byte[]> items, long first, long last)
    {
        foreach (var item in items)
        {
            var given = ConversationItems.IdOf(item) ?? "item";
            var id = given;
            // Some providers name every answer's first message alike.
            for (var copy = _copies.GetValueOrDefault(given, 2); !_ids.Add(id); _copies[given] = ++copy) id = $"{given}_{copy}";
            _items.Add(new ConversationItem(id, id == given ? item : ConversationItems.WithId(item, id), first, last));
        }
    }
}
