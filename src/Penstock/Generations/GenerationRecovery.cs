using System.Text;
using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Providers;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Takes over a generation whose server died, and ends it, begins it anew, or goes on with it.</summary>
internal sealed class GenerationRecovery(
    IStreamLog log, StoredRequests requests, ModelRouter router, GenerationOptions options, TimeProvider time, ILogger logger)
{
    // A request that kills every server that takes it must not do so for ever.
    private const int MaxAttempts = 3;

    // Its watchers were cut off by us, and need a moment to come back.
    private static readonly TimeSpan _leastGrace = TimeSpan.FromSeconds(60);

    private readonly CrashPolicy _policy = options.OnCrash;

    /// <returns>A generation to run, or null when it was ended here.</returns>
    public async Task<Recovered?> RecoverAsync(StreamInfo info, string id, GenerationMetadata metadata, Action<Generation> ended)
    {
        try
        {
            var snapshot = await ReadAsync(info, id, metadata);
            var asked = await AskAgainAsync(info, id, metadata, snapshot);
            if (await log.TakeOverAsync(info.Path) is not { } stream) return null;
            // A protocol that this version does not know has at least the native ending.
            var protocol = ClientProtocols.Find(metadata.Protocol) ?? ClientProtocols.Native;
            var request = metadata.ToRequest();
            var writer = protocol.NewEventWriter(request, id, info.CreatedAt);
            var passthrough = _policy == CrashPolicy.Restart && asked?.Attempts.Current.Target.Provider.Protocol.Name == metadata.Protocol;
            var recorder = new EventRecorder(stream, writer, id, metadata.Model, metadata.Protocol, passthrough);
            if (asked is null || _policy != CrashPolicy.Restart) await ReplayAsync(info, id, writer);
            recorder.Resume(snapshot.State);
            if (asked is null)
            {
                // What the request cost is not known any more.
                var usage = snapshot.State.Started ? UsageEstimate.Of(input: null, snapshot.State.OutputBytes) : null;
                await recorder.EndAsync(usage, new GenerationEvent { Kind = EventKind.Interrupted, Error = GenerationErrors.Crashed });
                return null;
            }

            var generation = await BeginAsync(id, metadata, recorder, asked.Value, snapshot.State, attempt: (int)info.Epoch + 1, ended);
            return new Recovered(generation, asked.Value.Attempts, () => protocol.NewEventWriter(request, id, info.CreatedAt));
        }
        catch (StreamException e)
        {
            GenerationLog.RecoveryFailed(logger, id, e);
            return null;
        }
    }

    private async Task<Generation> BeginAsync(
        string id, GenerationMetadata metadata, EventRecorder recorder, Asked asked, RecordedState state, int attempt, Action<Generation> ended)
    {
        var lost = UsageEstimate.Of(asked.InputTokens, state.OutputBytes);
        var kind = _policy == CrashPolicy.Restart ? EventKind.Reset : EventKind.Attempt;
        await recorder.GoOnAsync(new GenerationEvent { Kind = kind, Attempt = attempt, StopReason = "server_died", Model = metadata.Model });
        var grace = metadata.GraceSeconds is { } seconds
            ? new DisconnectPolicy(TimeSpan.FromSeconds(Math.Max(seconds, _leastGrace.TotalSeconds)))
            : DisconnectPolicy.Detach;
        var generation = new Generation(id, recorder, asked.InputTokens, grace, ended, time, logger) { Key = metadata.Key, UsageBefore = lost };
        generation.Subscribers.Add();
        generation.Subscribers.Remove(); // nobody is there, and the grace begins
        GenerationLog.GoesOn(logger, id, attempt);
        return generation;
    }

    /// <summary>The request to send again; null where it is not to be, or cannot be.</summary>
    private async Task<Asked?> AskAgainAsync(StreamInfo info, string id, GenerationMetadata metadata, Snapshot snapshot)
    {
        if (_policy == CrashPolicy.Fail || info.Epoch >= MaxAttempts || (_policy == CrashPolicy.Continue && !snapshot.IsContinuable)) return null;
        try
        {
            if (await requests.LoadAsync(id, metadata) is not { } request) return null;
            var target = router.Target(metadata.Model); // who answered before
            var text = snapshot.Text.ToString();
            if (_policy == CrashPolicy.Continue && text.Length > 0)
            {
                if (!target.Provider.ContinuesPrefix) return null;
                request = request with { Prefix = text };
            }

            return new Asked(new Attempts(request, new Route(target), options.Retry), UsageEstimate.Input(request));
        }
        catch (RequestException e)
        {
            GenerationLog.RecoveryFailed(logger, id, e); // the configuration has changed: nobody answers for that model any more
            return null;
        }
    }

    // A record that is damaged, or that a later version wrote, must not keep the stream from its ending, nor the server from starting.
    private async Task<Snapshot> ReadAsync(StreamInfo info, string id, GenerationMetadata metadata)
    {
        var snapshot = new Snapshot(metadata.Choices);
        await ForEachAsync(info, id, record => snapshot.Add(record));
        return snapshot;
    }

    /// <summary>Lets a new writer of the client's protocol know what was said, so that what it writes next fits.</summary>
    private async Task ReplayAsync(StreamInfo info, string id, EventWriter writer)
    {
        var scratch = new System.Buffers.ArrayBufferWriter<byte>();
        await ForEachAsync(info, id, record =>
        {
            scratch.ResetWrittenCount();
            writer.Replay(NativeEventReader.Read(EventRecord.Json(record.Data)), EventRecord.Frames(record.Data), scratch);
        });
    }

    private async Task ForEachAsync(StreamInfo info, string id, StoredEvents.Handler take)
    {
        try
        {
            using var reader = await log.OpenReaderAsync(info.Path);
            if (reader is not null) await StoredEvents.ReadAsync(reader, info.NextOffset, take);
        }
        catch (Exception e)
        {
            GenerationLog.RecoveryFailed(logger, id, e);
        }
    }

    /// <summary>A generation that goes on, and who is to be asked.</summary>
    public readonly record struct Recovered(Generation Generation, Attempts Attempts, Func<EventWriter> NewWriter);

    private readonly record struct Asked(Attempts Attempts, long InputTokens);

    /// <summary>What was said so far.</summary>
    private sealed class Snapshot(int choices)
    {
        public RecordedState State { get; } = new();

        /// <summary>The text of the first choice since the last reset.</summary>
        public StringBuilder Text { get; } = new();

        /// <summary>Only text can be gone on with: not a call half said, nor several answers.</summary>
        public bool IsContinuable { get; private set; } = choices == 1;

        public void Add(StreamEvent record)
        {
            var read = NativeEventReader.Read(EventRecord.Json(record.Data));
            State.Add(read, record.Offset);
            switch (read.Kind)
            {
                case EventKind.BlockStart when read.BlockKind is not (BlockKind.Text or BlockKind.Reasoning):
                    IsContinuable = false;
                    break;
                case EventKind.Delta when read.Block == State.OpenText:
                    Text.Append(JsonText.ToText(read.Text));
                    break;
                case EventKind.Reset:
                    Text.Clear();
                    IsContinuable = choices == 1;
                    break;
            }
        }
    }
}
