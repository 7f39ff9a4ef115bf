namespace Penstock.Protocols;

/// <summary>One of the answers that a provider gives, while it is read.</summary>
internal interface IChoice
{
    int Index { get; }

    /// <summary>The finish reason that was said, if it was.</summary>
    FinishReason? Finish { get; }

    /// <summary>Why it finished.</summary>
    FinishReason Reason { get; }

    /// <summary>Ends what is still open of it.</summary>
    void Close(IEventSink sink);
}

/// <summary>The answers of a provider that was asked for one or several, in order of their index, each made when it is first heard of.</summary>
/// <param name="wanted">How many were asked for.</param>
/// <param name="create">Makes the one of an index.</param>
internal sealed class ChoiceList<T>(int wanted, Func<int, T> create)
    where T : IChoice
{
    /// <summary>No provider answers more often than this; a bigger index is a broken one.</summary>
    public const int MaxChoices = 1024;

    private readonly List<T> _choices = [];

    public bool IsEmpty => _choices.Count == 0;

    /// <summary>Whether all that were asked for are there and have said why they finished.</summary>
    public bool AllFinished => _choices.Count >= wanted && _choices.TrueForAll(c => c.Finish is not null);

    /// <summary>Why the first finished, or null where there is none.</summary>
    public FinishReason? Reason => IsEmpty ? null : _choices[0].Reason;

    /// <summary>Why each finished, when there are several.</summary>
    public IReadOnlyList<FinishReason>? Reasons => Math.Max(wanted, _choices.Count) > 1 ? [.. _choices.Select(c => c.Reason)] : null;

    /// <summary>The answer of that index.</summary>
    public T At(int index)
    {
        var place = 0;
        for (; place < _choices.Count && _choices[place].Index <= index; place++)
        {
            if (_choices[place].Index == index) return _choices[place];
        }

        var added = create(index);
        _choices.Insert(place, added);
        return added;
    }

    public void CloseAll(IEventSink sink)
    {
        foreach (var choice in _choices) choice.Close(sink);
    }
}
