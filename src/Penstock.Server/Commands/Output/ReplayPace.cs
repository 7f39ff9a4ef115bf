using System.Diagnostics;
using Penstock.Client;

namespace Penstock.Server.Commands.Output;

/// <summary>When the events of an answer that is shown again are due: as long after the first as they were then, or evenly where the log has no times.</summary>
/// <param name="speed">How many times as fast; 0 for no pause.</param>
internal sealed class ReplayPace(double speed)
{
    /// <summary>Tokens a second where there are no times.</summary>
    public const double Even = 50;

    private readonly Stopwatch _clock = new();
    private DateTimeOffset? _first;
    private TimeSpan _due; // by the answer's own clock

    /// <summary>Whether some of the answer came without times.</summary>
    public bool IsEven { get; private set; }

    /// <summary>Waits until the event is due.</summary>
    public async ValueTask WaitAsync(PenstockEvent next, CancellationToken cancellationToken)
    {
        if (speed == 0) return;
        _clock.Start();
        if (next.At is { } at)
        {
            _first ??= at - _due;
            _due = at - _first.Value;
        }
        else if (next is BlockDelta)
        {
            IsEven = true;
            _due += TimeSpan.FromSeconds(1 / Even);
        }

        var left = (_due / speed) - _clock.Elapsed;
        if (left > TimeSpan.Zero) await Task.Delay(left, cancellationToken);
    }
}
