using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>
/// An answer beside which another is asked for: until its first word it is held back, and with that it has won, or is heard no
/// further. Where none else is asked it costs a call.
/// </summary>
/// <param name="sink">Takes the answer if it wins.</param>
/// <param name="tryWin">Whether it does; asked until it has, and once if it has not.</param>
internal sealed class RacingAnswer(IAnswerSink sink, Func<bool> tryWin) : IAnswerSink
{
    // As much of an announcement as the recorder would hold back.
    private const int MaxPreamble = 64 * 1024;

    private const int EntryBytes = 100; // of one in the list and its two arrays, about

    private List<(byte[] Event, byte[] Payload, Usage? Usage)>? _preamble = [];
    private int _bytes;
    private bool? _asAsked;

    public bool HasOutput => _preamble is null && sink.HasOutput;

    public void Begin(bool asAsked) => _asAsked = asAsked;

    /// <exception cref="OutrunException">The other was faster.</exception>
    public void Write(in GenerationEvent generationEvent)
    {
        if (_preamble is not null) Win();
        sink.Write(generationEvent);
    }

    public void EndPayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, Usage? usage)
    {
        if (_preamble is null)
        {
            sink.EndPayload(eventName, payload, usage);
            return;
        }

        _preamble.Add((eventName.ToArray(), payload.ToArray(), usage));
        _bytes += EntryBytes + eventName.Length + payload.Length;
        if (_bytes > MaxPreamble) Win();
    }

    public ValueTask CommitAsync() => _preamble is null ? sink.CommitAsync() : default;

    /// <summary>The answer is whole.</summary>
    /// <exception cref="OutrunException">The other was faster.</exception>
    public ValueTask FinishAsync()
    {
        if (_preamble is null) return default;
        Win();
        return sink.CommitAsync();
    }

    private void Win()
    {
        if (!tryWin()) throw new OutrunException();
        var preamble = _preamble!;
        _preamble = null;
        if (_asAsked is { } asAsked) sink.Begin(asAsked);
        foreach (var (name, payload, usage) in preamble) sink.EndPayload(name, payload, usage);
    }
}

/// <summary>Another call was faster.</summary>
internal sealed class OutrunException() : Exception("Another provider was faster.");
