using System.Globalization;
using Penstock.Protocols;

namespace Penstock.Providers.Simulated;

/// <summary>
/// A model of the simulated provider, as its name says: <c>chat</c>, <c>reasoner</c>, and knobs behind a question mark,
/// <c>chat?tps=20&amp;cut=40</c>. docs/simulated.md lists them.
/// </summary>
internal sealed record SimulatedModel
{
    /// <summary>The names that the provider offers.</summary>
    public static readonly IReadOnlyList<string> Names = ["chat", "reasoner"];

    /// <summary>Names to offer in a list: the models, and each kind of bad day once.</summary>
    public static readonly IReadOnlyList<string> Offered =
    [
        .. Names, "chat?cut=40", "chat?reset=40", "chat?stall=40", "chat?error=0", "chat?error=40", "chat?status=429&retry_after=2", "chat?nodone=1",
        "chat?linger=1", "chat?giant=4000000", "chat?endless=1", "chat?split=1", "chat?comments=1", "chat?zero_usage=1", "chat?no_usage=1", "chat?empty_tools=1",
    ];

    /// <summary>A name without knobs.</summary>
    public required string Name { get; init; }

    public int Seed { get; private set; }

    /// <summary>Time to the first token.</summary>
    public TimeSpan TimeToFirstToken { get; private set; } = TimeSpan.FromMilliseconds(300);

    /// <summary>On average; 0 is without pause.</summary>
    public double TokensPerSecond { get; private set; } = 50;

    /// <summary>The exact length of the text, or null for as long as it takes.</summary>
    public int? Tokens { get; private set; }

    /// <summary>Whether it thinks before it speaks.</summary>
    public bool Reason { get; private set; }

    /// <summary>The HTTP error to answer with, or 0.</summary>
    public int Status { get; private set; }

    /// <summary>Seconds in the error's Retry-After.</summary>
    public int? RetryAfter { get; private set; }

    /// <summary>After so many tokens the body ends as if all were well.</summary>
    public int? Cut { get; private set; }

    /// <summary>After so many tokens the connection breaks.</summary>
    public int? Reset { get; private set; }

    /// <summary>After so many tokens there is silence for ever.</summary>
    public int? Stall { get; private set; }

    /// <summary>After so many tokens an error comes inside the 200.</summary>
    public int? Error { get; private set; }

    /// <summary>No [DONE] at the end.</summary>
    public bool NoDone { get; private set; }

    /// <summary>No [DONE], and the body stays open.</summary>
    public bool Linger { get; private set; }

    /// <summary>The bytes of one giant data line, or 0.</summary>
    public int Giant { get; private set; }

    /// <summary>Bytes with never a line end.</summary>
    public bool Endless { get; private set; }

    /// <summary>Each byte comes alone.</summary>
    public bool Split { get; private set; }

    public bool Comments { get; private set; }

    public bool ZeroUsage { get; private set; }

    public bool NoUsage { get; private set; }

    /// <summary>An empty list of tool calls beside the text.</summary>
    public bool EmptyTools { get; private set; }

    /// <exception cref="RequestException">The name is unknown (404), or a knob or its value is (400).</exception>
    public static SimulatedModel Parse(string text)
    {
        var question = text.IndexOf('?', StringComparison.Ordinal);
        var name = question < 0 ? text : text[..question];
        if (!Names.Contains(name))
        {
            throw new RequestException($"The simulated provider has no model '{name}'; it has {string.Join(" and ", Names)}.")
            {
                Status = 404,
                Param = "model",
                Code = "model_not_found",
            };
        }

        var model = new SimulatedModel { Name = name, Reason = name == "reasoner" };
        if (question < 0) return model;
        foreach (var pair in text[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            model.Set(equals < 0 ? pair : pair[..equals], equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]));
        }

        return model;
    }

    private void Set(string knob, string value)
    {
        switch (knob)
        {
            case "seed": Seed = Number(knob, value, 0, int.MaxValue); break;
            case "ttft": TimeToFirstToken = TimeSpan.FromMilliseconds(Number(knob, value, 0, 3_600_000)); break;
            case "tps": TokensPerSecond = Rate(knob, value); break;
            case "tokens": Tokens = Number(knob, value, 1, 1_000_000); break;
            case "reason": Reason = Flag(knob, value); break;
            case "status": Status = Number(knob, value, 400, 599); break;
            case "retry_after": RetryAfter = Number(knob, value, 0, 86_400); break;
            case "cut": Cut = Number(knob, value, 0, int.MaxValue); break;
            case "reset": Reset = Number(knob, value, 0, int.MaxValue); break;
            case "stall": Stall = Number(knob, value, 0, int.MaxValue); break;
            case "error": Error = Number(knob, value, 0, int.MaxValue); break;
            case "nodone": NoDone = Flag(knob, value); break;
            case "linger": Linger = Flag(knob, value); break;
            case "giant": Giant = Number(knob, value, 1000, 16 * 1024 * 1024); break;
            case "endless": Endless = Flag(knob, value); break;
            case "split": Split = Flag(knob, value); break;
            case "comments": Comments = Flag(knob, value); break;
            case "zero_usage": ZeroUsage = Flag(knob, value); break;
            case "no_usage": NoUsage = Flag(knob, value); break;
            case "empty_tools": EmptyTools = Flag(knob, value); break;
            default: throw Bad(knob, $"The simulated provider has no knob '{knob}'; docs/simulated.md lists those it has.");
        }
    }

    private static int Number(string knob, string value, int least, int most) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Bad(knob, $"The simulated provider's knob '{knob}' takes a whole number from {least} to {most}, not '{value}'.");

    private static double Rate(string knob, string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate) && rate is 0 or >= 0.01 and <= 1_000_000
            ? rate
            : throw Bad(knob, $"The simulated provider's knob '{knob}' takes tokens a second, 0.01 to 1000000, or 0 for no pause, not '{value}'.");

    private static bool Flag(string knob, string value) => value switch
    {
        "1" => true,
        "0" => false,
        _ => throw Bad(knob, $"The simulated provider's knob '{knob}' takes 1 or 0, not '{value}'."),
    };

    private static RequestException Bad(string knob, string message) => new(message) { Param = "model", Code = $"invalid_{knob}" };
}
