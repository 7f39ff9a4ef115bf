using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Ends a generation whose server died: blocks closed, usage of what was said, interrupted.</summary>
internal static class GenerationRecovery
{
    public static async Task EndAsync(IStreamLog log, StreamInfo info, string id, GenerationMetadata metadata, ILogger logger)
    {
        try
        {
            var state = await ReadStateAsync(log, info, id, logger);
            if (await log.TakeOverAsync(info.Path) is not { } stream) return;
            // A protocol that this version does not know has at least the native ending.
            var protocol = ClientProtocols.Find(metadata.Protocol) ?? ClientProtocols.Native;
            var writer = protocol.NewEventWriter(metadata.ToRequest(), id, info.CreatedAt);
            var recorder = new EventRecorder(stream, writer, id, metadata.Model, passthrough: false);
            recorder.Resume(state);
            // What the request cost is not known any more.
            var usage = state.Started ? UsageEstimate.Of(input: null, state.OutputBytes) : null;
            await recorder.EndAsync(usage, new GenerationEvent { Kind = EventKind.Interrupted, Error = GenerationErrors.Crashed });
        }
        catch (StreamException e)
        {
            GenerationLog.RecoveryFailed(logger, id, e);
        }
    }

    // A record that is damaged, or that a later version wrote, must not keep the stream from its ending, nor the server from starting.
    private static async Task<RecordedState> ReadStateAsync(IStreamLog log, StreamInfo info, string id, ILogger logger)
    {
        var state = new RecordedState();
        try
        {
            using var reader = await log.OpenReaderAsync(info.Path);
            while (reader is not null && reader.NextOffset < info.NextOffset)
            {
                while (reader.TryRead(out var record)) state.Add(NativeEventReader.Read(EventRecord.Json(record.Data)));
                if (reader.NextOffset < info.NextOffset && await reader.WaitAsync() is not StreamWait.Ready) break;
            }
        }
        catch (Exception e)
        {
            GenerationLog.RecoveryFailed(logger, id, e);
        }

        return state;
    }
}
