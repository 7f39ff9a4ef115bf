using System.Buffers;
using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>One block of an answer so far.</summary>
public sealed class SnapshotBlock(int block, BlockKind kind, int choice, string? toolCallId, string? toolName)
{
    private readonly List<Piece> _pieces = [];
    private int _latest; // how many bytes of text the last delta had

    public int Block { get; } = block;

    public BlockKind Kind { get; } = kind;

    public int Choice { get; } = choice;

    public string? Id { get; } = toolCallId;

    public string? Name { get; } = toolName;

    /// <summary>It has not ended, or the answer was cut in it: it is not whole.</summary>
    public bool IsOpen { get; internal set; } = true;

    /// <summary>JSON-escaped UTF-8, as in <see cref="GenerationEvent.Text"/>.</summary>
    internal ArrayBufferWriter<byte> Text { get; } = new();

    internal ArrayBufferWriter<byte> Signature { get; } = new();

    /// <summary>Its sources, as <see cref="Citation"/> writes them.</summary>
    internal IEnumerable<byte[]> Citations => _pieces.Where(p => p.Citation is not null).Select(p => p.Citation!);

    /// <summary>The provider's log probabilities, raw JSON, a value for each delta that had some.</summary>
    internal IEnumerable<byte[]> LogProbs => _pieces.Where(p => p.LogProbs is not null).Select(p => p.LogProbs!);

    /// <summary>Adds a delta to the one before, unless that has what cannot be joined: a source belongs to its place in the text.</summary>
    internal void Add(in GenerationEvent delta)
    {
        _latest = delta.Text.Length;
        Text.Write(delta.Text);
        Signature.Write(delta.Signature);
        var plain = delta.Citation.IsEmpty && delta.LogProbs.IsEmpty;
        var joins = plain && _pieces is [.., { Citation: null, LogProbs: null } last] && (delta.Text.IsEmpty || last.Signature == 0);
        var before = joins ? _pieces[^1] : default;
        if (joins) _pieces.RemoveAt(_pieces.Count - 1);
        _pieces.Add(new Piece(
            before.Text + delta.Text.Length,
            before.Signature + delta.Signature.Length,
            delta.Citation.IsEmpty ? null : delta.Citation.ToArray(),
            delta.LogProbs.IsEmpty ? null : delta.LogProbs.ToArray()));
    }

    /// <summary>Writes the block's deltas, as few as say the same.</summary>
    internal void WriteDeltas(IEventSink sink)
    {
        var text = Text.WrittenSpan;
        var signature = Signature.WrittenSpan;
        for (var i = 0; i < _pieces.Count; i++)
        {
            var piece = _pieces[i];
            if (i == _pieces.Count - 1 && Kind == BlockKind.Reasoning && IsOpen && piece is { Signature: 0, Citation: null, LogProbs: null } && piece.Text > _latest)
            {
                // A writer may hold the latest piece of a thought back until it knows whether a signature follows: it must hold no more than that.
                sink.Write(new GenerationEvent { Kind = EventKind.Delta, Block = Block, Text = text[..(piece.Text - _latest)] });
                text = text[(piece.Text - _latest)..];
                piece = piece with { Text = _latest };
            }

            sink.Write(new GenerationEvent
            {
                Kind = EventKind.Delta,
                Block = Block,
                Text = text[..piece.Text],
                Signature = signature[..piece.Signature],
                Citation = piece.Citation,
                LogProbs = piece.LogProbs,
            });
            text = text[piece.Text..];
            signature = signature[piece.Signature..];
        }
    }

    /// <summary>Deltas in one: how many bytes of text and of signature, and what cannot be joined.</summary>
    private readonly record struct Piece(int Text, int Signature, byte[]? Citation, byte[]? LogProbs);
}
