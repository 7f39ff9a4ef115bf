using Penstock.Protocols;
using Penstock.Providers;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// The one writer of a generation's stream: turns events into records, in the log's words and in the client's protocol,
/// and appends all that one read of the provider brought as one batch. Usage and the ending are written here, once.
/// </summary>
internal sealed class EventRecorder(IStreamWriter stream, EventWriter writer, string generationId, string model, bool passthrough, bool started = false) : IAnswerSink
{
    private readonly StreamBatch _batch = new();
    private bool _open;
    private bool _started = started;
    private bool _usageWritten;

    /// <summary>The provider has begun to answer.</summary>
    public bool Started => _started;

    /// <summary>How much the model has said, in UTF-8 bytes of JSON text; what an estimate of its tokens is made from.</summary>
    public long OutputBytes { get; private set; }

    public void Write(in GenerationEvent generationEvent)
    {
        if (generationEvent.Kind is not EventKind.Usage and < EventKind.Finished) Start();
        OutputBytes += generationEvent.Text.Length;
        if (generationEvent.Kind == EventKind.Usage) _usageWritten = true;
        Record(generationEvent);
    }

    public void EndPayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, Usage? usage)
    {
        Start();
        if (!_open && usage is not null && !_usageWritten) Write(new GenerationEvent { Kind = EventKind.Usage, Usage = usage });
        if (passthrough)
        {
            // Every payload of the client's own protocol is shown, so it needs a record to stand in.
            if (!_open) Record(new GenerationEvent { Kind = EventKind.Raw });
            writer.WritePayload(eventName, payload, NextId(), _batch);
        }

        CloseRecord();
    }

    public ValueTask CommitAsync()
    {
        CloseRecord();
        return _batch.Count == 0 ? default : AppendAsync(close: false);
    }

    /// <summary>Writes usage, unless it stands already or there is none, and the ending, and closes the stream with them.</summary>
    public ValueTask EndAsync(Usage? usage, in GenerationEvent ending)
    {
        if (usage is not null && !_usageWritten) Write(new GenerationEvent { Kind = EventKind.Usage, Usage = usage });
        Write(ending);
        CloseRecord();
        return AppendAsync(close: true);
    }

    /// <summary>Forgets what was not stored.</summary>
    public void Discard()
    {
        _open = false;
        _batch.Clear();
    }

    private void Start()
    {
        if (_started) return;
        _started = true;
        Record(new GenerationEvent { Kind = EventKind.Started, Model = model });
    }

    private void Record(in GenerationEvent generationEvent)
    {
        CloseRecord();
        EventRecord.Begin(_batch, generationEvent);
        _open = true;
        if (!passthrough || generationEvent.Kind >= EventKind.Finished)
            writer.Write(generationEvent, NextId(), _batch);
    }

    private EventId NextId() => new(generationId, stream.NextOffset + _batch.Count);

    private void CloseRecord()
    {
        if (!_open) return;
        _open = false;
        _batch.EndEvent();
    }

    private ValueTask AppendAsync(bool close)
    {
        var append = stream.AppendAsync(_batch, close);
        if (!append.IsCompletedSuccessfully) return WaitAsync(append);
        append.GetAwaiter().GetResult();
        _batch.Dispose();
        return default;
    }

    private async ValueTask WaitAsync(ValueTask append)
    {
        await append;
        _batch.Dispose();
    }
}
