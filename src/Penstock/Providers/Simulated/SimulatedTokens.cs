using System.Text;

namespace Penstock.Providers.Simulated;

/// <summary>Cuts text into pieces of the size that models speak in: short words, halves of long ones, marks, line ends.</summary>
internal static class SimulatedTokens
{
    private const int LongestPiece = 8;

    /// <summary>The pieces; joined, they are the text. A surrogate pair stays whole.</summary>
    public static IEnumerable<ReadOnlyMemory<char>> Cut(string text)
    {
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = start;
            if (text[end] == ' ' && end + 1 < text.Length) end++; // a space belongs to the word behind it
            var word = WordLength(text, end);
            if (word > LongestPiece) word = word > 2 * LongestPiece ? LongestPiece : (word + 1) / 2;
            if (word > 0)
            {
                end += word;
            }
            else if (text[end] == '\n')
            {
                while (end < text.Length && text[end] == '\n') end++;
            }
            else
            {
                Rune.DecodeFromUtf16(text.AsSpan(end), out _, out var length);
                end += length;
            }

            yield return text.AsMemory(start, end - start);
        }
    }

    private static int WordLength(string text, int start)
    {
        var end = start;
        while (end < text.Length && text[end] < '\u2E80' && char.IsLetterOrDigit(text[end])) end++;
        return end - start;
    }
}
