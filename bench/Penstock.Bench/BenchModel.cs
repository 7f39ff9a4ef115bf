using System.Globalization;

namespace Penstock.Bench;

/// <summary>
/// What the scripted upstream sends, as said by the model's name: <c>bench-tokens=100-interval=20</c>.
/// The name passes every gateway unchanged, so no gateway needs to know of it.
/// </summary>
/// <param name="Tokens">How many tokens.</param>
/// <param name="Interval">Milliseconds from one write to the next; 0 writes as fast as the connection takes it.</param>
/// <param name="Batch">How many tokens a write carries.</param>
/// <param name="Delay">Milliseconds before the first token.</param>
sealed record BenchModel(int Tokens, int Interval = 0, int Batch = 1, int Delay = 0)
{
    const string Prefix = "bench";

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}-tokens={Tokens}-interval={Interval}-batch={Batch}-delay={Delay}");

    /// <summary>Reads a name; null when it is not one of the bench's.</summary>
    public static BenchModel? Parse(string? name)
    {
        var parts = (name ?? "").Split('-');
        if (parts[0] != Prefix) return null;
        var model = new BenchModel(1);
        foreach (var part in parts.Skip(1))
        {
            var (key, value) = part.Split('=') is [var k, var v] && int.TryParse(v, CultureInfo.InvariantCulture, out var n) ? (k, n) : ("", 0);
            switch (key)
            {
                case "tokens" when value > 0: model = model with { Tokens = value }; break;
                case "interval": model = model with { Interval = value }; break;
                case "batch" when value > 0: model = model with { Batch = value }; break;
                case "delay": model = model with { Delay = value }; break;
                default: return null;
            }
        }

        return model;
    }
}
