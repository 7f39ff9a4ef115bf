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

    /// <summary>The text of the first choice since the last reset.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>How many took it over after a death, one after another up to now, and said nothing.</summary>
    public int Barren { get; private set; }

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
        switch (read.Kind)
        {
            case EventKind.BlockStart when read.BlockKind is not (BlockKind.Text or BlockKind.Reasoning):
                IsContinuable = false;
                break;
            case EventKind.Attempt when read.StopReason == ServerDied:
                Barren++;
                break;
            case EventKind.Delta:
                Barren = 0;
                if (read.Block == State.OpenText) Text.Append(JsonText.ToText(read.Text));
                break;
            case EventKind.Reset:
                Text.Clear();
                IsContinuable = choices == 1;
                break;
        }
    }
}
