using System.Text;

namespace Penstock.Providers.Simulated;

/// <summary>What a prompt is about: how to quote it, and the words that carry it, longest first.</summary>
internal sealed record SimulatedTopic(string Quote, bool IsQuestion, IReadOnlyList<string> Words)
{
    private const int LongestQuote = 120;
    private const int LongestWord = 24;

    private static readonly HashSet<string> _plain = new(StringComparer.OrdinalIgnoreCase)
    {
        "about", "after", "again", "all", "also", "and", "answer", "any", "are", "because", "before", "being", "best", "between", "briefly", "but",
        "call", "can", "can't", "compare", "could", "create", "describe", "detail", "details", "did", "difference", "different", "discuss", "does",
        "don't", "each", "every", "explain", "for", "from", "get", "give", "good", "had", "happen", "happens", "has", "have", "help", "her", "here",
        "hey", "him", "his", "how", "i'm", "into", "it's", "its", "just", "kind", "know", "let", "letter", "like", "long", "look", "make", "many",
        "may", "me", "mean", "means", "more", "most", "much", "need", "not", "off", "one", "only", "other", "our", "out", "over", "paragraph",
        "paragraphs", "per", "please", "question", "really", "same", "sentence", "she", "short", "should", "show", "simple", "simply", "some",
        "someone", "something", "such", "tell", "tells", "than", "that", "the", "their", "them", "then", "there", "these", "they", "thing", "things",
        "think", "this", "three", "today", "tomorrow", "two", "under", "until", "upon", "use", "used", "using", "very", "want", "was", "were", "what",
        "what's", "when", "where", "which", "while", "who", "whole", "why", "will", "with", "without", "words", "work", "works", "would", "write",
        "yes", "you", "your",
    };

    public static SimulatedTopic Of(string prompt)
    {
        var words = new List<string>();
        var plain = new StringBuilder(); // the prompt on one line, without what Markdown might take for its own
        var word = new StringBuilder();
        foreach (var rune in prompt.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || (word.Length > 0 && rune.Value is '\'' or '-'))
            {
                if (word.Length < LongestWord) word.Append(rune);
            }
            else
            {
                Take(word, words);
            }

            if (Rune.IsWhiteSpace(rune) || Rune.IsControl(rune) || (rune.IsAscii && "*_#<>[]|`\\".Contains((char)rune.Value, StringComparison.Ordinal)))
            {
                if (plain.Length > 0 && plain[^1] != ' ') plain.Append(' ');
            }
            else if (plain.Length <= 4 * LongestQuote)
            {
                plain.Append(rune);
            }
        }

        Take(word, words);
        var quote = Shorten(plain.ToString().Trim(), LongestQuote);
        if (quote.Length == 0) quote = "(a message without words)";
        return new(quote, quote.Contains('?', StringComparison.Ordinal), [.. words.Distinct(StringComparer.OrdinalIgnoreCase).OrderByDescending(w => w.Length)]);
    }

    private static void Take(StringBuilder word, List<string> words)
    {
        var text = word.ToString().Trim('\'', '-');
        word.Clear();
        var telling = text.Length >= 3 || (text.Length > 0 && text[0] > '\u2E7F'); // one CJK character is a word
        if (telling && !_plain.Contains(text) && words.Count < 100) words.Add(text);
    }

    /// <summary>Cuts at a space where one is near, and never a surrogate pair.</summary>
    public static string Shorten(string text, int longest)
    {
        if (text.Length <= longest) return text;
        var end = text.LastIndexOf(' ', longest);
        if (end < longest / 2) end = char.IsLowSurrogate(text[longest]) ? longest - 1 : longest;
        return text[..end] + " …";
    }
}
