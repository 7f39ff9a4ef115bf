using System.Globalization;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>An offset as clients see it: 16 digits, so that offsets sort as text.</summary>
internal static class StreamOffset
{
    public const string Start = "-1";
    public const string Now = "now";
    public const int Length = 16;

    // Clients that were written against the reference server write the beginning so.
    private const string SecondPart = "_0000000000000000";

    public static string Format(long offset) => offset.ToString("D16", CultureInfo.InvariantCulture);

    public static void Format(long offset, Span<byte> ascii)
    {
        for (var i = Length - 1; i >= 0; i--) (offset, ascii[i]) = (offset / 10, (byte)('0' + (offset % 10)));
    }

    public static bool TryParse(ReadOnlySpan<char> text, out long offset)
    {
        if (text.EndsWith(SecondPart, StringComparison.Ordinal)) text = text[..^SecondPart.Length];
        offset = 0;
        return text.Length == Length && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out offset);
    }
}
