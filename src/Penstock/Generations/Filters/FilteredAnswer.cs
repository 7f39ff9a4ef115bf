using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.Generations.Filters;

/// <summary>
/// Lets a provider's answer through to a sink without what the filters name: in text, reasoning and refusals. The provider's own
/// payloads are never shown, though it speak the client's protocol. A tool call's arguments go through as they are: they are
/// for a program, which a masked address would make err.
/// </summary>
internal sealed class FilteredAnswer(IAnswerSink sink, IReadOnlyList<OutputFilter> filters) : IAnswerSink
{
    private readonly SortedDictionary<int, FilteredBlock> _open = [];

    public bool HasOutput => sink.HasOutput;

    public void Begin(bool asAsked) => sink.Begin(asAsked: false);

    public void EndPayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, Usage? usage) => sink.EndPayload(eventName, payload, usage);

    public ValueTask CommitAsync() => sink.CommitAsync();

    /// <exception cref="AnswerStoppedException">A filter ends the answer here.</exception>
    public void Write(in GenerationEvent generationEvent)
    {
        switch (generationEvent.Kind)
        {
            case EventKind.BlockStart when generationEvent.BlockKind is BlockKind.Text or BlockKind.Reasoning or BlockKind.Refusal:
                _open[generationEvent.Block] = new FilteredBlock(filters);
                sink.Write(generationEvent);
                break;
            case EventKind.Delta when _open.TryGetValue(generationEvent.Block, out var block):
                WriteDelta(generationEvent, block);
                break;
            case EventKind.BlockStop when _open.ContainsKey(generationEvent.Block):
                Close(generationEvent.Block);
                break;
            default:
                sink.Write(generationEvent);
                break;
        }
    }

    /// <summary>The answer is whole: lets go of what is still held.</summary>
    /// <exception cref="AnswerStoppedException">A filter ends the answer here.</exception>
    public void End()
    {
        while (_open.Count > 0) Close(_open.Keys.First());
    }

    // Log probabilities spell the text out, so they do not go through.
    private void WriteDelta(in GenerationEvent delta, FilteredBlock block)
    {
        block.AddSignature(delta.Signature);
        var text = block.Take(delta.Text, end: false);
        var citation = delta.Citation.IsEmpty || IsNamed(Citation.Read(delta.Citation)) ? default : delta.Citation;
        if (!text.IsEmpty || !citation.IsEmpty) sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = delta.Block, Text = text, Citation = citation });
        if (block.StoppedBy is { } filter) Stop(filter);
    }

    private void Close(int number)
    {
        _open.Remove(number, out var block);
        var text = block!.Take([], end: true);
        var signature = block.Signature;
        if (!text.IsEmpty || !signature.IsEmpty) sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = number, Text = text, Signature = signature });
        sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = number });
        if (block.StoppedBy is { } filter) Stop(filter);
    }

    // What other blocks hold back is not shown: nobody knows what it would have become.
    private void Stop(OutputFilter filter)
    {
        foreach (var number in _open.Keys) sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = number });
        _open.Clear();
        throw new AnswerStoppedException(filter.Name);
    }

    private bool IsNamed(Citation citation) =>
        filters.Any(f => f.Pattern.IsMatch(citation.Quote ?? "") || f.Pattern.IsMatch(citation.Title ?? "") || f.Pattern.IsMatch(citation.Url ?? ""));
}

/// <summary>A filter has ended the answer.</summary>
internal sealed class AnswerStoppedException(string filter) : Exception($"The filter {filter} ended the answer.")
{
    public string Filter { get; } = filter;
}
