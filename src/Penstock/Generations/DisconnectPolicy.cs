using System.Globalization;
using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>What happens to a generation when its last subscriber leaves.</summary>
/// <param name="Grace">How long it goes on without one: zero is <c>cancel</c>, infinite is <c>detach</c>.</param>
public readonly record struct DisconnectPolicy(TimeSpan Grace)
{
    /// <summary>The generation goes on to its end.</summary>
    public static readonly DisconnectPolicy Detach = new(Timeout.InfiniteTimeSpan);

    /// <summary>The generation stops at once.</summary>
    public static readonly DisconnectPolicy Cancel = new(TimeSpan.Zero);

    /// <summary>Reads <c>detach</c>, <c>cancel</c>, <c>grace</c> or <c>grace 30</c> (seconds).</summary>
    /// <param name="text">The words.</param>
    /// <param name="grace">What <c>grace</c> alone means.</param>
    /// <param name="param">The field to blame.</param>
    /// <exception cref="RequestException">It says something else.</exception>
    public static DisconnectPolicy Parse(string text, TimeSpan grace, string param)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words switch
        {
            ["detach"] => Detach,
            ["cancel"] => Cancel,
            ["grace"] => new(grace),
            ["grace", var n] when double.TryParse(n, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= 86400 =>
                new(TimeSpan.FromSeconds(seconds)),
            _ => throw new RequestException($"{param} is '{text}'; it must be detach, cancel, grace, or grace and a number of seconds up to 86400.") { Param = param },
        };
    }
}
