using System.Buffers;
using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>A generation's state after a number of its events: the fold of its stream.</summary>
public sealed class GenerationSnapshot
{
    /// <summary>The status of a generation that has no ending yet.</summary>
    public const string Running = "running";

    private readonly List<SnapshotBlock> _blocks = [];
    private readonly List<(SnapshotBlock Block, bool Stops)> _steps = []; // in which order blocks began and ended
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

    /// <summary><c>running</c>, or the name of the ending: <c>finished</c>, <c>stopped</c>, <c>failed</c>, <c>interrupted</c>.</summary>
    public string Status { get; private set; } = Running;

    /// <summary>The offset of the last event that is part of this; -1 before the first. Read on after it.</summary>
    public long Offset { get; private set; } = -1;

    public IReadOnlyList<SnapshotBlock> Blocks => _blocks;

    public Usage? Usage { get; private set; }

    public FinishReason? FinishReason { get; private set; }

    public string? StopReason { get; private set; }

    public GenerationError? Error { get; private set; }

    /// <summary>Folds the events before <paramref name="end"/>, which are stored.</summary>
    internal static async ValueTask<GenerationSnapshot> ReadAsync(string id, StreamInfo info, long end, IStreamReader reader)
    {
        var snapshot = new GenerationSnapshot(id, GenerationMetadata.Read(info.Metadata).Model, info.CreatedAt);
        await StoredEvents.ReadAsync(reader, end, snapshot.Add);
        return snapshot;
    }

    /// <summary>Writes the fewest events that lead to the same state, but for an ending: what is said to one who joins late.</summary>
    internal void Replay(IEventSink sink)
    {
        if (_started) sink.Write(new GenerationEvent { Kind = EventKind.Started, Model = _startedModel });
        foreach (var (block, stops) in _steps)
        {
            if (stops)
            {
                sink.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = block.Block });
                continue;
            }

            sink.Write(new GenerationEvent { Kind = EventKind.BlockStart, Block = block.Block, BlockKind = block.Kind, Choice = block.Choice, Id = block.Id, Name = block.Name });
            block.WriteDeltas(sink);
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

    private void Add(StreamEvent record)
    {
        Offset = record.Offset;
        var e = NativeEventReader.Read(EventRecord.Json(record.Data));
        switch (e.Kind)
        {
            case EventKind.Started:
                (_started, _startedModel, Model) = (true, e.Model, e.Model ?? Model);
                break;
            case EventKind.BlockStart:
                _blocks.Add(new SnapshotBlock(e.Block, e.BlockKind, e.Choice, e.Id, e.Name));
                _steps.Add((_blocks[^1], Stops: false));
                break;
            case EventKind.Delta when Find(e.Block) is { } block:
                block.Add(e);
                break;
            case EventKind.BlockStop when !e.IsCut && Find(e.Block) is { IsOpen: true } block:
                block.IsOpen = false;
                _steps.Add((block, Stops: true));
                break;
            case EventKind.Attempt:
                Model = e.Model ?? Model;
                break;
            case EventKind.Usage:
                Usage = e.Usage;
                break;
            case EventKind.Reset:
                _blocks.Clear();
                _steps.Clear();
                (_started, Usage, Model) = (false, null, e.Model ?? Model);
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
}
