using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>As much of a generation's events so far as what follows depends on.</summary>
internal sealed class RecordedState
{
    private readonly List<int> _openBlocks = [];
    private int _blockChanges;
    private int _result = -1; // the open block of a tool's result: the model has not said it

    public bool Started { get; private set; }

    public bool HasUsage { get; private set; }

    /// <summary>How much the model has said, in UTF-8 bytes of JSON text.</summary>
    public long OutputBytes { get; private set; }

    /// <summary>The blocks that were opened and not closed, the latest last.</summary>
    public IReadOnlyList<int> OpenBlocks => _openBlocks;

    /// <summary>The number that the next block gets.</summary>
    public int NextBlock { get; private set; }

    /// <summary>The open text block of the first choice; -1 for none.</summary>
    public int OpenText { get; private set; } = -1;

    /// <summary>The model has called a tool of the server's since its last step ended.</summary>
    public bool CallsServer { get; private set; }

    /// <summary>The offset of the last <c>reset</c>, or null.</summary>
    public long? ResetAt { get; private set; }

    public void Add(in GenerationEvent generationEvent, long offset)
    {
        switch (generationEvent.Kind)
        {
            case EventKind.Started:
                Started = true;
                break;
            case EventKind.BlockStart:
                _openBlocks.Add(generationEvent.Block);
                _blockChanges++;
                NextBlock = Math.Max(NextBlock, generationEvent.Block + 1);
                if (generationEvent is { BlockKind: BlockKind.Text, Choice: 0 }) OpenText = generationEvent.Block;
                CallsServer |= generationEvent.BlockKind == BlockKind.ServerToolCall;
                if (generationEvent.BlockKind == BlockKind.ToolResult) _result = generationEvent.Block;
                break;
            case EventKind.Delta:
                if (generationEvent.Block != _result) OutputBytes += generationEvent.Text.Length;
                break;
            case EventKind.BlockStop:
                _openBlocks.Remove(generationEvent.Block);
                CallsServer &= !generationEvent.IsCut; // who goes on asks for the whole step again
                _blockChanges++;
                if (OpenText == generationEvent.Block) OpenText = -1;
                if (_result == generationEvent.Block) _result = -1;
                break;
            case EventKind.Usage:
                HasUsage = true;
                break;
            case EventKind.Step:
                CallsServer = false;
                break;
            case EventKind.Reset:
                _openBlocks.Clear();
                _blockChanges++;
                (Started, HasUsage, OpenText, CallsServer, ResetAt) = (false, false, -1, false, offset);
                break;
        }
    }

    public void Set(RecordedState other)
    {
        (Started, HasUsage, OutputBytes, NextBlock, OpenText, CallsServer, ResetAt, _result) =
            (other.Started, other.HasUsage, other.OutputBytes, other.NextBlock, other.OpenText, other.CallsServer, other.ResetAt, other._result);
        if (_blockChanges == other._blockChanges) return;
        _blockChanges = other._blockChanges;
        _openBlocks.Clear();
        _openBlocks.AddRange(other._openBlocks);
    }
}
