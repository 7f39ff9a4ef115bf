namespace Penstock.Protocols;

/// <summary>Which result answers which call: by its id, or else the oldest call of its name that has none yet. Calls without an id are numbered.</summary>
internal sealed class CallIds
{
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Queue<string>> _byName = new(StringComparer.Ordinal);
    private int _calls;

    public string OfCall(string? id, string name)
    {
        if (string.IsNullOrEmpty(id)) id = $"call_{_calls++}_{name}";
        _open.Add(id);
        if (!_byName.TryGetValue(name, out var ids)) _byName[name] = ids = new();
        ids.Enqueue(id);
        return id;
    }

    public string OfResult(string? id, string? name)
    {
        if (!string.IsNullOrEmpty(id) && _open.Remove(id)) return id;
        var oldest = Oldest(name ?? "");
        return !string.IsNullOrEmpty(id) ? id : oldest ?? $"call_{name}";
    }

    private string? Oldest(string name)
    {
        if (!_byName.TryGetValue(name, out var ids)) return null;
        while (ids.TryDequeue(out var id))
        {
            if (_open.Remove(id)) return id;
        }

        return null;
    }
}
