using System.Buffers;
using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>A generation's state after a number of its events: the fold of its stream.</summary>
public sealed class GenerationSnapshot
{
    /// <summary>The status of a generation that has no ending yet.</summary>
    public const string Running = "running";

    /// <summary>The status of one that waits for a worker on another node.</summary>
    public const string Queued = "queued";

    private readonly List<SnapshotBlock> _blocks = [];
    private readonly List<Mark> _order = []; // in which order blocks began and ended, and what else there was
    private string? _startedModel;
    private bool _started;

    private GenerationSnapshot(string id, string model, DateTimeOffset createdAt)
    {
        Id = id;
        Model = model;
        CreatedAt = createdAt;
    }

    public string Id { get; }

    /// <summary>The provider and model that answer.</summary>
    public string Model { get; private set; }

    public DateTimeOffset CreatedAt { get; }

    /// <summary>When its last event was stored; null where the log keeps no times.</summary>
    public DateTimeOffset? UpdatedAt { get; private set; }

    /// <summary><c>queued</c>, <c>running</c>, or the name of the ending: <c>finished</c>, <c>stopped</c>, <c>failed</c>, <c>interrupted</c>.</summary>
    public string Status { get; private set; } = Running;

    /// <summary>The offset of the last event that is part of this; -1 before the first. Read on after it.</summary>
    public long Offset { get; private set; } = -1;

    public IReadOnlyList<SnapshotBlock> Blocks => _blocks;

    public Usage? Usage { get; private set; }

    /// <summary>How many steps of the model have ended with calls of tools that the server runs.</summary>
    public int Steps { get; private set; }

    /// <summary>What they used together; null where it was not said.</summary>
    internal Usage? StepUsage { get; private set; }

    /// <summary>What of the conversation the model was not sent; null for nothing.</summary>
    public HistoryTrim? Trimmed { get; private set; }

    public FinishReason? FinishReason { get; private set; }

    public string? StopReason { get; private set; }

    public GenerationError? Error { get; private set; }

    /// <summary>The generation whose conversation it sums up; null for an answer to a client.</summary>
    public string? SummaryFor { get; private init; }

    /// <summary>The last event that each who watches it has been given; null where nobody asked, it has ended, or it is not the asker's to know.</summary>
    public IReadOnlyList<long>? Watchers { get; internal set; }

    /// <summary>Whose it is, for an operator; null for nobody's in particular.</summary>
    public string? Owner { get; internal set; }

    /// <summary>Folds the events before <paramref name="end"/>, which are stored.</summary>
    internal static async ValueTask<GenerationSnapshot> ReadAsync(string id, StreamInfo info, long end, IStreamReader reader)
    {
        var metadata = GenerationMetadata.Read(info.Metadata);
        var snapshot = new GenerationSnapshot(id, metadata.Model, info.CreatedAt) { Status = OpenStatus(info, metadata), SummaryFor = metadata.SummaryFor };
        await StoredEvents.ReadAsync(reader, end, snapshot.Add);
        return snapshot;
    }

    /// <summary>As <see cref="ReadAsync(string, StreamInfo, long, IStreamReader)"/>, of a generation that runs here.</summary>
    internal static async ValueTask<GenerationSnapshot> ReadAsync(string id, string model, long end, IStreamReader reader)
    {
        var snapshot = new GenerationSnapshot(id, model, default);
        await StoredEvents.ReadAsync(reader, end, snapshot.Add);
        return snapshot;
    }

    /// <summary>The status of a stream without an ending.</summary>
    internal static string OpenStatus(StreamInfo info, GenerationMetadata? metadata) => info.Epoch < metadata?.FirstEpoch ? Queued : Running;

    /// <summary>Writes the fewest events that lead to the same state, but for an ending: what is said to one who joins late.</summary>
    /// <param name="sink">Takes them.</param>
    /// <param name="stepsOnly">Only as far as the steps go that have ended, and their tools' results.</param>
    internal void Replay(IEventSink sink, bool stepsOnly = false)
    {
        if (_started) sink.Write(new GenerationEvent { Kind = EventKind.Started, Model = _startedModel });
        if (Trimmed is not null) sink.Write(new GenerationEvent { Kind = EventKind.Trimmed, Trimmed = Trimmed });
        foreach (var (kind, block, step) in _order)
        {
            if (stepsOnly && block?.Step == Steps && block.Kind != BlockKind.ToolResult) return;
            switch (kind)
            {
                case EventKind.BlockStart:
                    WriteStart(block!, sink);
                    block!.WriteDeltas(sink);
                    break;
                case EventKind.Approval:
                    sink.Write(new GenerationEvent { Kind = kind, Block = block!.Block, Id = block.Id, Name = block.Name, Approval = (ApprovalState)step, StopReason = (ApprovalState)step == ApprovalState.Asked ? null : block.ApprovalReason });
                    break;
                case EventKind.Step:
                    sink.Write(new GenerationEvent { Kind = kind, Step = step, Usage = step == Steps ? StepUsage : null });
                    break;
                default:
                    sink.Write(new GenerationEvent { Kind = kind, Block = block!.Block });
                    break;
            }
        }

        if (Usage is not null) sink.Write(new GenerationEvent { Kind = EventKind.Usage, Usage = Usage });
    }

    /// <summary>The status that the reader's next event, a closed stream's last, stands for.</summary>
    internal static async ValueTask<string> ReadStatusAsync(IStreamReader reader)
    {
        while (true)
        {
            if (reader.TryRead(out var record)) return Encoding.UTF8.GetString(NativeEventWriter.TypeOf(EventRecord.Json(record.Data)));
            if (await reader.WaitAsync() is not StreamWait.Ready) return Running;
        }
    }

    private static void WriteStart(SnapshotBlock block, IEventSink sink) => sink.Write(new GenerationEvent
    {
        Kind = EventKind.BlockStart,
        Block = block.Block,
        BlockKind = block.Kind,
        Choice = block.Choice,
        Id = block.Id,
        Name = block.Name,
        Server = block.Server,
        Call = block.Call,
        IsError = block.IsError,
    });

    private void Add(StreamEvent record)
    {
        if (EventRecord.TimeOf(record.Data) is { } time) UpdatedAt = CreatedAt + time;
        Add(NativeEventReader.Read(EventRecord.Json(record.Data)), record.Offset);
    }

    internal void Add(in GenerationEvent e, long offset)
    {
        Offset = offset;
        switch (e.Kind)
        {
            case EventKind.Started:
                (_started, _startedModel, Model) = (true, e.Model, e.Model ?? Model);
                break;
            case EventKind.BlockStart:
                _blocks.Add(new SnapshotBlock(e, Steps));
                _order.Add(new(EventKind.BlockStart, _blocks[^1]));
                break;
            case EventKind.Delta when Find(e.Block) is { } block:
                block.Add(e);
                break;
            case EventKind.BlockStop when !e.IsCut && Find(e.Block) is { IsOpen: true } block:
                block.IsOpen = false;
                _order.Add(new(EventKind.BlockStop, block));
                break;
            case EventKind.Step:
                (Steps, StepUsage) = (e.Step, e.Usage);
                _order.Add(new(EventKind.Step, null, e.Step));
                break;
            case EventKind.ToolRun when Find(e.Block) is { } call:
                call.IsRun = true;
                _order.Add(new(EventKind.ToolRun, call));
                break;
            case EventKind.Approval when Find(e.Block) is { } call:
                (call.Approval, call.ApprovalReason) = (e.Approval, e.StopReason);
                if (e.Approval == ApprovalState.Asked) call.AskedAt = UpdatedAt - CreatedAt;
                _order.Add(new(EventKind.Approval, call, (int)e.Approval));
                break;
            case EventKind.Trimmed:
                Trimmed = e.Trimmed;
                break;
            case EventKind.Attempt:
                Model = e.Model ?? Model;
                break;
            case EventKind.Usage:
                Usage = e.Usage;
                break;
            case EventKind.Reset:
                _blocks.Clear();
                _order.Clear();
                (_started, Trimmed, Usage, Steps, StepUsage, Model) = (false, null, null, 0, null, e.Model ?? Model);
                break;
            case EventKind.Finished:
                (Status, FinishReason) = ("finished", e.Reason);
                break;
            case EventKind.Stopped:
                (Status, StopReason) = ("stopped", e.StopReason);
                break;
            case EventKind.Failed:
                (Status, Error) = ("failed", e.Error);
                break;
            case EventKind.Interrupted:
                (Status, Error) = ("interrupted", e.Error);
                break;
        }
    }

    private SnapshotBlock? Find(int number)
    {
        for (var i = _blocks.Count - 1; i >= 0; i--)
        {
            if (_blocks[i].Block == number) return _blocks[i];
        }

        return null;
    }

    /// <param name="Kind">What happened.</param>
    /// <param name="Block">To which block; null for a step.</param>
    /// <param name="Number">Which step, or which state an approval has.</param>
    private readonly record struct Mark(EventKind Kind, SnapshotBlock? Block, int Number = 0);
}
