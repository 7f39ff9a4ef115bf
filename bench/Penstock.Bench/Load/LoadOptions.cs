using System.Globalization;

namespace Penstock.Bench.Load;

/// <summary>One load: so many streams at a time, each asking again when its reply has ended.</summary>
/// <param name="Port">Where the server listens on loopback.</param>
/// <param name="Path">The request's path.</param>
/// <param name="Body">The JSON to POST; null sends a GET.</param>
/// <param name="Ending">What the reply must end with.</param>
/// <param name="Repeats">Whether what follows the ending mark repeats the tokens, so that it is not checked.</param>
/// <param name="Tokens">How many tokens a reply holds.</param>
/// <param name="Streams">How many replies are read at a time.</param>
/// <param name="Requests">Stop after so many requests; 0 goes by <paramref name="Seconds"/>.</param>
/// <param name="Seconds">Ask no more after so long.</param>
/// <param name="Ramp">Seconds over which the streams start.</param>
/// <param name="Timeout">Seconds after which whatever is open counts as unfinished.</param>
sealed record LoadOptions(
    int Port, string Path, string? Body, string Ending, bool Repeats, int Tokens, int Streams, int Requests, double Seconds, double Ramp, double Timeout)
{
    public IEnumerable<string> ToArguments() =>
    [
        Text(Port), Path, Body ?? "", Ending, Repeats ? "1" : "0", Text(Tokens), Text(Streams), Text(Requests), Text(Seconds), Text(Ramp), Text(Timeout),
    ];

    public static LoadOptions FromArguments(IReadOnlyList<string> values) => new(
        Integer(values[0]), values[1], values[2].Length == 0 ? null : values[2], values[3], values[4] == "1", Integer(values[5]),
        Integer(values[6]), Integer(values[7]), Number(values[8]), Number(values[9]), Number(values[10]));

    static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
    static int Integer(string value) => int.Parse(value, CultureInfo.InvariantCulture);
    static double Number(string value) => double.Parse(value, CultureInfo.InvariantCulture);
}
