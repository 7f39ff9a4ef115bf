using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Providers;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// The one writer of a generation's stream: turns events into records, in the log's words and in the client's protocol,
/// and appends all that one read of the provider brought as one batch. Usage and the ending are written here, once.
/// </summary>
/// <param name="stream">The generation's stream.</param>
/// <param name="writer">Writes the frames of the client's protocol.</param>
/// <param name="generationId">The generation.</param>
/// <param name="model">The provider and model that answer.</param>
/// <param name="protocol">The client's protocol.</param>
/// <param name="passthrough">Whether the provider speaks it too, so that its payloads are shown as they are.</param>
internal sealed class EventRecorder(IStreamWriter stream, EventWriter writer, string generationId, string model, string protocol, bool passthrough) : IAnswerSink
{
    // A provider that goes on saying that it will say something is believed at last.
    private const int MaxPreamble = 64 * 1024;

    private readonly StreamBatch _batch = new();
    private RecordedState _state = new(); // with what the batch holds
    private RecordedState _stored = new(); // what the log holds
    private EventWriter _writer = writer;
    private string _model = model;
    private bool _passthrough = passthrough;
    private bool _recordOpen;
    private long _timed = long.MinValue / 2; // the last time that was recorded
    private bool _isFirst;
    private Usage? _usage; // the last that was recorded beside a payload
    private BlockNumbers? _numbers; // of a further attempt

    /// <summary>The log holds a sign of the provider's answer.</summary>
    public bool Started => _stored.Started;

    /// <summary>
    /// The provider has said something. What came before, such as who speaks, is held back until then: should the provider
    /// fail, another is asked, and nothing was shown.
    /// </summary>
    public bool HasOutput { get; private set; }

    /// <summary>Whether what comes before the first output is held back. Who lets an answer run in the background wants to see that it was begun.</summary>
    public bool HoldsPreamble { get; init; } = true;

    /// <summary>Whether a failure is told in the stream that a preamble has begun; otherwise the preamble is left out, and the failure has a status of its own.</summary>
    public bool KeepsPreamble { get; init; }

    /// <summary>Forgets a preamble that nobody is to see, since nothing came of it.</summary>
    public void DiscardPreamble()
    {
        if (!HasOutput && !KeepsPreamble && !Started) Discard();
    }

    /// <summary>What other attempts have cost, which adds up with what the provider says; null for nothing.</summary>
    public Usage? UsageBefore { get; set; }

    /// <summary>What of the conversation the model was not sent, to be said where its answer begins; null for nothing.</summary>
    public HistoryTrim? Trimmed { get; set; }

    /// <summary>What keeps the answer within limits; null where there are none.</summary>
    public GenerationMeter? Meter { get; set; }

    /// <summary>Tells the milliseconds since the stream was created; null where times are not kept.</summary>
    public RecordClock? Clock { get; init; }

    /// <summary>Called once, when the first output is stored and shown: no token waits for what is counted then.</summary>
    public Action? FirstOutput { get; set; }

    /// <summary>
    /// How much the model has said, in UTF-8 bytes of JSON text, with what is stored next; what an estimate of its tokens is made
    /// from. An answer that is cut within what one read brought ends with that much of it.
    /// </summary>
    public long OutputBytes => _state.OutputBytes;

    /// <summary>The offset of the last <c>reset</c>, up to which the stream is void; null for none.</summary>
    public long? ResetAt => _stored.ResetAt;

    /// <summary>Whether the model has called a tool of the server's since its last step ended.</summary>
    public bool CallsServer => _state.CallsServer;

    /// <summary>The number that the next block gets.</summary>
    public int NextBlock => _state.NextBlock;

    /// <summary>Goes on where an earlier recorder of the stream was cut off.</summary>
    public void Resume(RecordedState stored)
    {
        _stored.Set(stored);
        _state.Set(stored);
    }

    /// <summary>What the log holds of the generation.</summary>
    public async Task<AnswerSoFar> ReadAsync(IStreamLog log, int choices)
    {
        var said = new AnswerSoFar(choices);
        await said.ReadAsync(log, stream);
        return said;
    }

    /// <summary>Another target goes on with the answer; what it says is written by a writer that knows what was said.</summary>
    public async Task TurnToAsync(Target target, EventWriter newWriter, IStreamLog log)
    {
        await AnswerSoFar.ReplayAsync(log, stream, newWriter);
        (_model, _writer, _passthrough) = (target.Name, newWriter, false);
    }

    /// <summary>Writes the Reset or Attempt with which a further attempt begins at an answer that was begun.</summary>
    public ValueTask GoOnAsync(in GenerationEvent begin)
    {
        HasOutput = false; // of this attempt
        _numbers = new BlockNumbers(_state.NextBlock, begin.Kind == EventKind.Attempt ? _state.OpenText : -1);
        Record(begin);
        CloseRecord();
        return AppendAsync(close: false);
    }

    /// <summary>Forgets what a provider said that said nothing, and notes that another attempt begins.</summary>
    /// <param name="begin">The Attempt.</param>
    /// <param name="target">Who is asked now.</param>
    /// <param name="newWriter">Writes what it says, as if nobody had spoken before.</param>
    public ValueTask BeginAttemptAsync(in GenerationEvent begin, Target target, EventWriter newWriter)
    {
        BeginAttempt(begin, target, newWriter);
        return AppendAsync(close: false);
    }

    /// <summary>As <see cref="BeginAttemptAsync"/>, to be stored with what comes next.</summary>
    public void BeginAttempt(in GenerationEvent begin, Target target, EventWriter newWriter)
    {
        Discard();
        _model = target.Name;
        if (!_stored.Started) // else it goes on after a crash, and the writer knows with what
        {
            _writer = newWriter;
            _passthrough = target.Provider.Protocol.Name == protocol;
        }

        Record(begin);
        CloseRecord();
    }

    /// <summary>The next step of the model begins: its provider counts blocks from 0 again, and may fail again before it says anything.</summary>
    public void BeginStep()
    {
        HasOutput = false;
        _numbers = new BlockNumbers(_state.NextBlock, _state.OpenText);
    }

    /// <summary>Ends what the model left open.</summary>
    public void CloseBlocks()
    {
        while (_state.OpenBlocks is [.., var block]) Add(new GenerationEvent { Kind = EventKind.BlockStop, Block = block });
    }

    /// <summary>What the model left open is said to be half, and never becomes whole.</summary>
    public void CutBlocks()
    {
        while (_state.OpenBlocks is [.., var block]) Record(new GenerationEvent { Kind = EventKind.BlockStop, Block = block, IsCut = true }, shown: false);
        CloseRecord();
    }

    /// <summary>Records what happens between two steps, as it is. It is stored with <see cref="StoreAsync"/>.</summary>
    public void Add(in GenerationEvent generationEvent)
    {
        Record(generationEvent);
        CloseRecord();
    }

    /// <summary>Stores all that was recorded.</summary>
    public ValueTask StoreAsync()
    {
        CloseRecord();
        return _batch.Count == 0 ? default : AppendAsync(close: false);
    }

    /// <summary>The fold of all that is stored.</summary>
    public async Task<GenerationSnapshot> SnapshotAsync(IStreamLog log)
    {
        using var reader = await log.OpenReaderAsync(stream.Path) ?? throw new StreamGoneException(stream.Path);
        return await GenerationSnapshot.ReadAsync(generationId, _model, stream.NextOffset, reader);
    }

    public void Begin(bool asAsked) => _passthrough &= asAsked;

    /// <exception cref="LimitReachedException">A limit allows no more of the answer.</exception>
    public void Write(in GenerationEvent generationEvent)
    {
        if (Meter is not null && generationEvent.Kind == EventKind.Delta && _state.OutputBytes >= Meter.CheckAt) Meter.Check(_state.OutputBytes);
        if (generationEvent.Kind is not EventKind.Usage and < EventKind.Finished) Start();
        if (_numbers is null)
        {
            Record(generationEvent);
            return;
        }

        var isNew = _numbers.Renumber(generationEvent, out var block);
        if (_numbers.ToClose >= 0) Record(new GenerationEvent { Kind = EventKind.BlockStop, Block = _numbers.ToClose });
        if (isNew) Record(generationEvent with { Block = block });
        else Output(); // a block that goes on is not recorded again, and is output all the same
    }

    public void EndPayload(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload, Usage? usage)
    {
        Start();
        if (!_recordOpen && usage is not null && (!_state.HasUsage || (_usage is not null && usage != _usage)))
        {
            // Some providers correct what they said with their finish; the last word counts.
            _usage = usage;
            Record(new GenerationEvent { Kind = EventKind.Usage, Usage = UsageEstimate.Add(usage, UsageBefore) });
        }

        if (_passthrough && (_recordOpen || !ErrorPayload.Is(payload)))
        {
            // Every other payload of the client's own protocol is shown, so it needs a record to stand in.
            if (!_recordOpen) Record(new GenerationEvent { Kind = EventKind.Raw });
            Show(eventName, payload);
        }

        CloseRecord();
    }

    // It looks into events that the reader does not know, and passes over.
    private void Show(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> payload)
    {
        try
        {
            _writer.WritePayload(eventName, payload, NextId(), _batch);
        }
        catch (InvalidOperationException e)
        {
            throw new ProviderFormatException("A name in the payload holds half of a surrogate pair.", e);
        }
    }

    public ValueTask CommitAsync()
    {
        CloseRecord();
        if (_batch.Count == 0 || (!HasOutput && HoldsPreamble && _batch.Bytes.Length < MaxPreamble)) return default;
        Output();
        return AppendAsync(close: false);
    }

    /// <summary>Closes the blocks that are open, writes usage unless it stands already or there is none, and the ending, and closes the stream with them.</summary>
    public ValueTask EndAsync(Usage? usage, in GenerationEvent ending)
    {
        // What an answer that was cut leaves open did not end: who shows it must not say so, least of all of a call, which clients run.
        var whole = ending is { Kind: EventKind.Finished, Reason: not FinishReason.ContentFilter };
        while (_state.OpenBlocks is [.., var block]) Record(new GenerationEvent { Kind = EventKind.BlockStop, Block = block, IsCut = !whole }, shown: whole);
        if (usage is not null && !_state.HasUsage) Record(new GenerationEvent { Kind = EventKind.Usage, Usage = usage });
        return EndAsync(ending);
    }

    /// <summary>Writes the ending alone: what may still fit where nothing else does.</summary>
    public ValueTask EndAsync(in GenerationEvent ending)
    {
        Record(ending with { ResetAt = _state.ResetAt });
        CloseRecord();
        return AppendAsync(close: true);
    }

    /// <summary>Forgets what was not stored.</summary>
    public void Discard()
    {
        _writer.Discard(_batch.Bytes);
        if (_recordOpen) _writer.Discard(_batch.Current);
        _recordOpen = false;
        _isFirst = false; // what it was told of is forgotten too
        _batch.Clear();
        _state.Set(_stored);
    }

    private void Start()
    {
        if (_state.Started) return;
        Record(new GenerationEvent { Kind = EventKind.Started, Model = _model });
        if (Trimmed is { } trimmed) Record(new GenerationEvent { Kind = EventKind.Trimmed, Trimmed = trimmed });
    }

    private void Record(in GenerationEvent generationEvent, bool shown = true)
    {
        if (generationEvent is { Kind: EventKind.BlockStart, BlockKind: BlockKind.ToolCall or BlockKind.ServerToolCall, Id: null })
        {
            Record(generationEvent with { Id = CallId.Of(generationId, generationEvent.Block) }, shown);
            return;
        }

        CloseRecord();
        _state.Add(generationEvent, stream.NextOffset + _batch.Count);
        EventRecord.Begin(_batch, generationEvent, _batch.Count == 0 ? Time() : -1);
        _recordOpen = true;
        if (shown && (!_passthrough || generationEvent.Kind >= EventKind.Finished))
            _writer.Write(generationEvent, NextId(), _batch);
        if (generationEvent.Kind == EventKind.BlockStart) Output();
    }

    // What one read brought has one time, and what follows within a moment has that of the one before: a time for each token would say no more.
    private long Time()
    {
        if (Clock is null) return -1;
        var now = Clock.Now;
        if (now - _timed < RecordClock.Step) return -1;
        return _timed = now;
    }

    private void Output() => (_isFirst, HasOutput) = (_isFirst || !HasOutput, true);

    private EventId NextId() => new(generationId, stream.NextOffset + _batch.Count);

    private void CloseRecord()
    {
        if (!_recordOpen) return;
        _recordOpen = false;
        _batch.EndEvent();
    }

    private ValueTask AppendAsync(bool close)
    {
        var append = stream.AppendAsync(_batch, close);
        if (!append.IsCompletedSuccessfully) return WaitAsync(append);
        append.GetAwaiter().GetResult();
        Stored();
        return default;
    }

    private async ValueTask WaitAsync(ValueTask append)
    {
        await append;
        Stored();
    }

    private void Stored()
    {
        _batch.Dispose(); // an idle generation holds no buffer
        _stored.Set(_state);
        if (!_isFirst) return;
        _isFirst = false;
        FirstOutput?.Invoke();
        FirstOutput = null;
    }
}
