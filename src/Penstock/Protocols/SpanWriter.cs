using System.Buffers.Text;

namespace Penstock.Protocols;

/// <summary>Fills a span from the left: one buffer request for a token's bytes in place of one for each piece.</summary>
internal ref struct SpanWriter(Span<byte> span)
{
    private readonly Span<byte> _span = span;

    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _span[..Length];

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_span[Length..]);
        Length += bytes.Length;
    }

    public void Append(long number)
    {
        Utf8Formatter.TryFormat(number, _span[Length..], out var digits);
        Length += digits;
    }

    /// <summary>Appends JSON as one line: between its tokens a line end says no more than a space.</summary>
    public void AppendOnOneLine(scoped ReadOnlySpan<byte> json)
    {
        var start = Length;
        Append(json);
        var written = _span[start..Length];
        if (written.IndexOfAny((byte)'\n', (byte)'\r') < 0) return;
        written.Replace((byte)'\n', (byte)' ');
        written.Replace((byte)'\r', (byte)' ');
    }
}
