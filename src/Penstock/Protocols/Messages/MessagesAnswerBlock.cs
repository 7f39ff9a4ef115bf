using System.Buffers;

namespace Penstock.Protocols.Messages;

/// <summary>A block of an answer of our own making: what of it is written already, and what waits.</summary>
internal sealed class MessagesAnswerBlock(in GenerationEvent start)
{
    // Only this protocol's own items have such names; another's have no place here.
    private static readonly string[] _itemNames = ["_tool_use", "_tool_result"];

    private ArrayBufferWriter<byte>? _text;
    private ArrayBufferWriter<byte>? _signature;

    public int Number { get; } = start.Block;

    public BlockKind Kind { get; } = start.BlockKind;

    public string Id { get; } = start.Id ?? "";

    public string Name { get; } = start.Name ?? "";

    public string Server { get; } = start.Server ?? "";

    /// <summary>It is the result of a tool that the server ran, and says what went wrong.</summary>
    public bool IsError { get; } = start.IsError;

    public bool IsCall => Kind is BlockKind.ToolCall or BlockKind.ServerToolCall;

    /// <summary>Where it stands in the message; -1 until its beginning is written.</summary>
    public int Index { get; set; } = -1;

    public bool IsStopped { get; set; }

    /// <summary>It can be shown only once it is whole.</summary>
    public bool IsDeferred => Kind is BlockKind.Other or BlockKind.ToolResult || IsRedacted;

    public bool IsRedacted => Kind == BlockKind.Reasoning && Name == "redacted";

    /// <summary>Text that waits, JSON-escaped.</summary>
    public ReadOnlySpan<byte> Text => _text is null ? default : _text.WrittenSpan;

    /// <summary>The signature, JSON-escaped.</summary>
    public ReadOnlySpan<byte> Signature => _signature is null ? default : _signature.WrittenSpan;

    /// <summary>Citations that wait, raw, as <see cref="Citation"/> writes them.</summary>
    public List<Citation> Citations { get; } = [];

    /// <summary>Whether the protocol can show a block; an image, or another protocol's own item, it cannot.</summary>
    public static bool CanShow(in GenerationEvent start) => start.BlockKind switch
    {
        BlockKind.Image => false,
        BlockKind.Other => start.Name is { } name && Array.Exists(_itemNames, n => name.EndsWith(n, StringComparison.Ordinal)),
        _ => start.Choice == 0,
    };

    /// <summary>Keeps a delta for later.</summary>
    public void Keep(in GenerationEvent delta)
    {
        if (!delta.Text.IsEmpty) (_text ??= new()).Write(delta.Text);
        if (!delta.Citation.IsEmpty) Citations.Add(Citation.Read(delta.Citation));
        KeepSignature(delta);
    }

    public void KeepSignature(in GenerationEvent delta)
    {
        if (!delta.Signature.IsEmpty) (_signature ??= new()).Write(delta.Signature);
    }

    /// <summary>Lets go of what waited.</summary>
    public void ClearText()
    {
        _text = null;
        Citations.Clear();
    }

    /// <summary>The item's or the arguments' JSON on one line; an empty object where it is no JSON object, as when the answer was cut.</summary>
    public byte[] TextAsJson()
    {
        var json = new ArrayBufferWriter<byte>(Text.Length + 16);
        JsonText.Unescape(Text, '\0', json);
        if (!JsonValue.IsWholeObject(json.WrittenSpan)) return "{}"u8.ToArray();
        var line = json.WrittenSpan.ToArray();
        line.AsSpan().Replace((byte)'\n', (byte)' '); // between tokens a line end says no more than a space
        line.AsSpan().Replace((byte)'\r', (byte)' ');
        return line;
    }
}
