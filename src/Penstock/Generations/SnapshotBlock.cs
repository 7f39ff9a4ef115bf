using System.Buffers;
using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>One block of an answer so far.</summary>
public sealed class SnapshotBlock
{
    internal SnapshotBlock(in GenerationEvent start, int step)
    {
        (Block, Kind, Choice, Id, Name) = (start.Block, start.BlockKind, start.Choice, start.Id, start.Name);
        (Server, Call, IsError, Step) = (start.Server, start.Call, start.IsError, step);
    }

    private readonly List<Piece> _pieces = [];
    private int _latest; // how many bytes of text the last delta had

    public int Block { get; }

    public BlockKind Kind { get; }

    public int Choice { get; }

    public string? Id { get; }

    public string? Name { get; }

    /// <summary>The label of the server that has the tool, of a call that the server runs and of its result.</summary>
    public string? Server { get; }

    /// <summary>The block of the call, of a tool's result.</summary>
    public int Call { get; }

    /// <summary>It is a tool's result that says what went wrong.</summary>
    public bool IsError { get; }

    /// <summary>How many steps of the model had ended when it began.</summary>
    internal int Step { get; }

    /// <summary>The tool was begun to be run.</summary>
    public bool IsRun { get; internal set; }

    /// <summary>Whether a person was asked to allow the call, and what came of it; null where nobody was.</summary>
    public ApprovalState? Approval { get; internal set; }

    /// <summary>What was said to it beside the word; null for nothing.</summary>
    public string? ApprovalReason { get; internal set; }

    /// <summary>When a person was asked, since the generation was created; null where that is not known.</summary>
    internal TimeSpan? AskedAt { get; set; }

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
