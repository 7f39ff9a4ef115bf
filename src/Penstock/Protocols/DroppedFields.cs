namespace Penstock.Protocols;

/// <summary>What of a request a provider of another protocol cannot be told: collected while its body is written.</summary>
public sealed class DroppedFields
{
    // They are named in a response header and in the generation's label: a client's HTTP library takes few kilobytes of headers.
    private const int MaxNames = 100;
    private const int MaxLength = 4096;

    private readonly List<string> _names = [];
    private int _length;

    /// <summary>The client's names of what was left out: the first hundred, in 4 KiB.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Leaves a field out that would not change the answer.</summary>
    public void Drop(string name)
    {
        if (_names.Count == MaxNames || _length + name.Length > MaxLength || _names.Contains(name, StringComparer.Ordinal)) return;
        _names.Add(name);
        _length += name.Length;
    }

    /// <summary>Leaves a setting out, if it was said.</summary>
    public void Drop<T>(Setting<T>? setting)
    {
        if (setting is { } said) Drop(said.Name);
    }

    /// <summary>Leaves out the marks for the prompt cache: those who have no word for them cache by themselves.</summary>
    public void DropCacheControl(IEnumerable<Part> parts)
    {
        foreach (var part in parts)
        {
            if (part is ToolResultPart result) DropCacheControl(result.Content);
            if (!part.CacheControl.IsEmpty) Drop($"{part.Path}.cache_control");
        }
    }

    /// <summary>As for <see cref="DropCacheControl(IEnumerable{Part})"/>, of tools.</summary>
    public void DropCacheControl(IReadOnlyList<Tool> tools)
    {
        for (var i = 0; i < tools.Count; i++)
        {
            if (!tools[i].CacheControl.IsEmpty) Drop($"tools[{i}].cache_control");
        }
    }

    /// <summary>The error that names a field which cannot be left out.</summary>
    public static RequestException Refuse(string name, string provider) =>
        new($"'{name}' cannot be said in the protocol of the provider that answers ({provider}), and leaving it out would change the answer: leave it out yourself, or choose another model.")
        {
            Param = name,
            Code = "unsupported_parameter",
        };

    /// <summary>Refuses or leaves out what only the client's own protocol has words for. Called first by every writer of another protocol.</summary>
    /// <param name="request">The request.</param>
    /// <param name="provider">The provider's protocol.</param>
    /// <exception cref="RequestException">One of them would change the answer.</exception>
    public void TakeOwnFields(GenerationRequest request, string provider)
    {
        foreach (var field in request.OwnFields)
        {
            if (field.ChangesAnswer) throw Refuse(field.Name, provider);
            Drop(field.Name);
        }
    }
}
