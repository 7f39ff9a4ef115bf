namespace Penstock.Server.Commands;

/// <summary>A command's arguments, of which the options are taken out one by one.</summary>
internal sealed class Arguments(IEnumerable<string> all)
{
    private readonly List<string> _rest = [.. all];

    public IReadOnlyList<string> Rest => _rest;

    /// <summary>The value of an option, or null.</summary>
    public string? Take(string option)
    {
        var at = _rest.IndexOf(option);
        if (at < 0) return null;
        if (at + 1 == _rest.Count || _rest[at + 1].Length == 0) throw new UsageException($"{option} needs a value.");
        var value = _rest[at + 1];
        _rest.RemoveRange(at, 2);
        return value;
    }

    /// <summary>The values of an option that may be repeated.</summary>
    public List<string> TakeAll(string option)
    {
        var values = new List<string>();
        while (Take(option) is { } value) values.Add(value);
        return values;
    }

    public bool TakeFlag(string option) => _rest.Remove(option);

    /// <summary>Says that the command and nothing else is left.</summary>
    public void End(string command)
    {
        if (_rest.Count != 1 || _rest[0] != command) throw new UsageException($"'{string.Join(' ', _rest)}' is not understood.");
    }

    /// <summary>Says that the command and one more word is left.</summary>
    /// <returns>The word.</returns>
    public string End(string command, string what) =>
        _rest.Count == 2 && _rest[0] == command ? _rest[1] : throw new UsageException($"{command} needs one {what}.");
}
