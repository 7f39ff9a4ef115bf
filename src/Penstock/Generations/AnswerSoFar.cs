using System.Buffers;
using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>What a generation has said so far, for whoever goes on with it: on another provider, or after a server died.</summary>
internal sealed class AnswerSoFar(int choices)
{
    /// <summary>The reason of an attempt that goes on after a server's death.</summary>
    public const string ServerDied = "server_died";

    public RecordedState State { get; } = new();

    /// <summary>Who was asked last, or null for nobody yet.</summary>
    public string? Model { get; private set; }

    /// <summary>The text of the first choice since the last reset, in the step that was begun last.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>How many took it over after a death, one after another up to now, and said nothing.</summary>
    public int Barren { get; private set; }

    /// <summary>The generation that sums up the conversation before the model is asked, where it had got no further; null where it had.</summary>
    public string? Summary { get; private set; }

    /// <summary>How many steps of the model have ended with calls of tools that the server runs.</summary>
    public int Steps { get; private set; }

    /// <summary>What they used together.</summary>
    private Usage? StepUsage { get; set; }

    private long StepBytes { get; set; }

    /// <summary>Only text can be gone on with: not a call half said, nor several answers.</summary>
    public bool IsContinuable { get; private set; } = choices == 1;

    /// <summary>Reads what the stream holds.</summary>
    public Task ReadAsync(IStreamLog log, IStreamWriter stream) => ForEachAsync(log, stream, Add);

    /// <summary>Lets a new writer of the client's protocol know what was said, so that what it writes next fits.</summary>
    public static Task ReplayAsync(IStreamLog log, IStreamWriter stream, EventWriter writer)
    {
        var scratch = new ArrayBufferWriter<byte>();
        return ForEachAsync(log, stream, record =>
        {
            scratch.ResetWrittenCount();
            writer.Replay(NativeEventReader.Read(EventRecord.Json(record.Data)), EventRecord.Frames(record.Data), scratch);
        });
    }

    /// <summary>What was used so far, by what is known.</summary>
    /// <param name="input">About how many tokens the request has of the step that was begun last; null where it is not known.</param>
    public Usage UsageSoFar(long? input) =>
        Summary is not null && State.OutputBytes == 0 ? UsageEstimate.None
        : StepUsage is not { } steps ? UsageEstimate.Of(input, State.OutputBytes)
        : State.OutputBytes == StepBytes ? steps
        : UsageEstimate.Sum(steps, UsageOfStep(input));

    /// <summary>What of it the step took that was begun last.</summary>
    public Usage UsageOfStep(long? input) => UsageEstimate.Of(input, State.OutputBytes - StepBytes);

    private static async Task ForEachAsync(IStreamLog log, IStreamWriter stream, StoredEvents.Handler take)
    {
        if (stream.NextOffset == 0) return;
        using var reader = await log.OpenReaderAsync(stream.Path);
        if (reader is not null) await StoredEvents.ReadAsync(reader, stream.NextOffset, take);
    }

    private void Add(StreamEvent record)
    {
        var read = NativeEventReader.Read(EventRecord.Json(record.Data));
        State.Add(read, record.Offset);
        Model = read.Model ?? Model;
        Summary = read.Kind == EventKind.Summary ? read.Id : null;
        switch (read.Kind)
        {
            case EventKind.BlockStart when read.BlockKind is not (BlockKind.Text or BlockKind.Reasoning or BlockKind.ToolResult):
                IsContinuable = false;
                break;
            case EventKind.Attempt when read.StopReason == ServerDied:
                Barren++;
                break;
            case EventKind.Delta:
                Barren = 0;
                if (read.Block == State.OpenText) Text.Append(JsonText.ToText(read.Text));
                break;
            case EventKind.Reset or EventKind.Step: // what was said in earlier steps stands
                Text.Clear();
                IsContinuable = choices == 1;
                (Steps, StepUsage, StepBytes) = (read.Step, read.Usage, read.Kind == EventKind.Step ? State.OutputBytes : 0);
                break;
        }
    }
}
