using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>As much of a generation's events so far as its ending depends on.</summary>
internal sealed class RecordedState
{
    private readonly List<int> _openBlocks = [];
    private int _blockChanges;

    public bool Started { get; private set; }

    public bool HasUsage { get; private set; }

    /// <summary>How much the model has said, in UTF-8 bytes of JSON text.</summary>
    public long OutputBytes { get; private set; }

    /// <summary>The blocks that were opened and not closed, the latest last.</summary>
    public IReadOnlyList<int> OpenBlocks => _openBlocks;

    public void Add(in GenerationEvent generationEvent)
    {
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                Started = true;
                break;
            case EventKind.BlockStart:
                _openBlocks.Add(generationEvent.Block);
                _blockChanges++;
                break;
            case EventKind.Delta:
                OutputBytes += generationEvent.Text.Length;
                break;
            case EventKind.BlockStop:
                _openBlocks.Remove(generationEvent.Block);
                _blockChanges++;
                break;
            case EventKind.Usage:
                HasUsage = true;
                break;
        }
    }

    public void Set(RecordedState other)
    {
        (Started, HasUsage, OutputBytes) = (other.Started, other.HasUsage, other.OutputBytes);
        if (_blockChanges == other._blockChanges) return;
        _blockChanges = other._blockChanges;
        _openBlocks.Clear();
        _openBlocks.AddRange(other._openBlocks);
    }
}
