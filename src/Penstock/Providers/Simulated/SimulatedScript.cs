using System.Buffers;

namespace Penstock.Providers.Simulated;

/// <summary>
/// Plays an answer with its pauses and faults. Each item says when the bytes written since the item before it are due,
/// counted from the request; <see cref="Never"/> is silence, the end is the end of the body, an exception is a broken connection.
/// </summary>
internal sealed class SimulatedScript(SimulatedRequest request, ArrayBufferWriter<byte> output, long created)
{
    /// <summary>What comes of the knob <c>endless</c> before the body ends after all.</summary>
    public const int EndlessBytes = 64 * 1024 * 1024;

    public static readonly TimeSpan Never = Timeout.InfiniteTimeSpan;

    private readonly SimulatedModel _model = request.Model;
    private readonly SimulatedUsage _usage = new(request);
    private SimulatedRandom _random = new(request.Prompt, request.Model.Seed);
    private TimeSpan _due = request.Model.TimeToFirstToken;

    public IEnumerable<TimeSpan> Play() => _model.Endless ? PlayEndless() : request.Stream ? PlayStream() : PlayDocument();

    private IEnumerable<TimeSpan> PlayStream()
    {
        var chunks = new SimulatedChunks(request, output, created);
        foreach (var step in SimulatedAnswer.Steps(request))
        {
            if (_usage.Sent == _model.Stall) yield return Never;
            if (_usage.Sent == _model.Reset) throw Broken();
            if (_usage.Sent == _model.Cut) yield break;
            if (_usage.Sent == _model.Error)
            {
                chunks.WriteError();
                yield return _due;
                yield break;
            }

            if (_model.Comments) chunks.WriteComment();
            chunks.Write(step);
            Pass(step);
            yield return _due;
        }

        if (request.IncludeUsage && !_model.NoUsage)
        {
            chunks.WriteUsage(_usage);
            yield return _due;
        }

        if (_model.Linger) yield return Never;
        if (_model.NoDone) yield break;
        chunks.WriteDone();
        yield return _due;
    }

    private IEnumerable<TimeSpan> PlayDocument()
    {
        var document = new SimulatedDocument(request, created);
        var broken = false;
        foreach (var step in SimulatedAnswer.Steps(request))
        {
            if (_usage.Sent == _model.Stall) yield return Never;
            if (_usage.Sent == _model.Error)
            {
                SimulatedErrors.Write(output, 500);
                yield return _due;
                yield break;
            }

            broken = _usage.Sent == _model.Reset || _usage.Sent == _model.Cut;
            if (broken) break;
            document.Add(step);
            Pass(step);
        }

        var whole = new ArrayBufferWriter<byte>();
        document.Write(whole, _usage);
        output.Write(whole.WrittenSpan[..(broken ? whole.WrittenCount / 2 : whole.WrittenCount)]);
        yield return _due;
        if (broken && _usage.Sent == _model.Reset) throw Broken();
        if (_model.Linger) yield return Never;
    }

    private IEnumerable<TimeSpan> PlayEndless()
    {
        output.Write("data: "u8);
        for (var sent = 0; sent < EndlessBytes; sent += 64 * 1024)
        {
            output.GetSpan(64 * 1024)[..(64 * 1024)].Fill((byte)'x');
            output.Advance(64 * 1024);
            yield return _due;
        }
    }

    /// <summary>Counts a step, and moves the clock on before every token but the first: by the mean pause, give or take a third.</summary>
    private void Pass(in SimulatedStep step)
    {
        if (step.IsToken && _usage.Sent > 0 && _model.TokensPerSecond > 0)
            _due += TimeSpan.FromSeconds((0.7 + (0.6 * _random.NextDouble())) / _model.TokensPerSecond);
        _usage.Count(step);
    }

    private static IOException Broken() => new("Connection reset by peer (simulated).");
}
