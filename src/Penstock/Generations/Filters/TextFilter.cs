using System.Buffers;

namespace Penstock.Generations.Filters;

/// <summary>One filter on one block's text as it comes. Of what came it holds back only what may yet become a match.</summary>
internal sealed class TextFilter(OutputFilter filter)
{
    /// <summary>The longest match that is found, in UTF-16 units; text that has been held for longer goes out.</summary>
    public const int MaxHeld = 4096;

    private readonly ArrayBufferWriter<char> _text = new();
    private int _shown; // what of the text went out before; it stands here so that the place after it is known

    /// <summary>Takes what came, and writes what may be shown.</summary>
    /// <param name="text">The next of the block's text.</param>
    /// <param name="end">Whether nothing follows.</param>
    /// <param name="output">Takes what may be shown.</param>
    /// <param name="altered">Set when a match was masked.</param>
    /// <returns>False when a match ends the answer; what stood before it was written.</returns>
    public bool Take(ReadOnlySpan<char> text, bool end, ArrayBufferWriter<char> output, ref bool altered)
    {
        _text.Write(text);
        var all = _text.WrittenSpan;
        var (shown, from) = (_shown, _shown);
        var held = Held(all, from, end);
        while (TryMatch(all, from, out var start, out var length) && start < held)
        {
            if (filter.Check is { } check) length = check(all.Slice(start, length));
            if (length == 0)
            {
                from = start + 1; // no match after all; one may begin within
                continue;
            }

            output.Write(all[shown..start]);
            altered = true;
            if (filter.Stops) return false;
            output.Write(filter.Mask);
            shown = from = start + length;
            if (held < from) held = Held(all, from, end);
        }

        held = Math.Max(held, all.Length - MaxHeld);
        if (held > shown) output.Write(all[shown..held]);
        Keep(Math.Max(held, shown));
        return true;
    }

    private int Held(ReadOnlySpan<char> all, int from, bool end)
    {
        if (end) return all.Length;
        foreach (var match in filter.Partial.EnumerateMatches(all, from)) return match.Index;
        return all.Length;
    }

    private bool TryMatch(ReadOnlySpan<char> all, int from, out int start, out int length)
    {
        foreach (var match in filter.Pattern.EnumerateMatches(all, from))
        {
            (start, length) = (match.Index, match.Length);
            return true;
        }

        (start, length) = (0, 0);
        return false;
    }

    // One character more than is held, for what \b asks of the place before.
    private void Keep(int held)
    {
        var rest = _text.WrittenSpan[Math.Max(0, held - 1)..];
        _shown = held > 0 ? 1 : 0;
        var kept = ArrayPool<char>.Shared.Rent(rest.Length);
        rest.CopyTo(kept);
        var length = rest.Length;
        _text.ResetWrittenCount();
        _text.Write(kept.AsSpan(0, length));
        ArrayPool<char>.Shared.Return(kept);
    }
}
