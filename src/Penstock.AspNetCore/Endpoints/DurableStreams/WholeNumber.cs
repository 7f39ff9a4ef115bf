using System.Globalization;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>The numbers of the protocol's headers: digits alone, no zero in front, no more than a JavaScript client can hold.</summary>
internal static class WholeNumber
{
    private const long Largest = (1L << 53) - 1;

    public static bool TryParse(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= Largest && (text.Length == 1 || text[0] != '0');
}
