using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>Gives the blocks of a further attempt their numbers: a provider counts from 0 each time, a generation does not.</summary>
/// <param name="next">The generation's next number.</param>
/// <param name="open">The text block that the attempt goes on with, if its answer begins with text; -1 for none.</param>
internal sealed class BlockNumbers(int next, int open)
{
    private bool _goesOn;

    /// <summary>The block that was left open and must be closed, since the attempt begins with something else; -1 for none.</summary>
    public int ToClose { get; private set; } = -1;

    /// <summary>Renumbers an event of the attempt.</summary>
    /// <returns>False for the start of a block that is open already.</returns>
    public bool Renumber(scoped in GenerationEvent generationEvent, out int block)
    {
        ToClose = -1;
        if (generationEvent is { Kind: EventKind.BlockStart, Block: 0 })
        {
            _goesOn = open >= 0 && generationEvent is { BlockKind: BlockKind.Text, Choice: 0 };
            if (!_goesOn) ToClose = open;
        }

        block = _goesOn ? (generationEvent.Block == 0 ? open : next + generationEvent.Block - 1) : next + generationEvent.Block;
        return !_goesOn || generationEvent is not { Kind: EventKind.BlockStart, Block: 0 };
    }
}
