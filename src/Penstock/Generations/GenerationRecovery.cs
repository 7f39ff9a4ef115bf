using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Ends a generation whose server died: blocks closed, usage of what was said, interrupted.</summary>
internal static class GenerationRecovery
{
    public static async Task EndAsync(
        IStreamLog log, StreamInfo info, string id, GenerationMetadata metadata, ILogger logger)
    {
        try
        {
            using var reader = await log.OpenReaderAsync(info.Path);
            var stream = await log.TakeOverAsync(info.Path);
            if (reader is null || stream is null) return;
            var snapshot = await GenerationSnapshot.ReadAsync(id, info, reader);
            // A protocol that this version does not know has at least the native ending.
            var protocol = ClientProtocols.Find(metadata.Protocol) ?? ClientProtocols.Native;
            var request = metadata.ToRequest(); // without the messages: what they cost is not known any more
            var writer = protocol.NewEventWriter(request, id, info.CreatedAt);
            var recorder = new EventRecorder(stream, writer, id, metadata.Model, passthrough: false, started: true);
            foreach (var block in snapshot.OpenBlocks) recorder.Write(new GenerationEvent { Kind = EventKind.BlockStop, Block = block });
            var usage = snapshot.Usage is null && info.NextOffset > 0 ? UsageEstimate.Of(request, snapshot.OutputBytes) : null;
            await recorder.EndAsync(usage, new GenerationEvent { Kind = EventKind.Interrupted, Error = GenerationErrors.Crashed });
        }
        catch (StreamException e)
        {
            GenerationLog.RecoveryFailed(logger, id, e);
        }
    }
}
