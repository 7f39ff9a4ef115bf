using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Providers;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Gives tool calls back the signatures that a client's library has dropped, since a model that signs its calls wants to see them
/// signed (https://ai.google.dev/gemini-api/docs/thought-signatures). The id that we gave a call leads to the log that has its signature.
/// </summary>
internal sealed class CallSignatures(IStreamLog log)
{
    // Each is a log to read before the provider is asked; the oldest of a longer conversation go without.
    private const int MaxGenerations = 100;

    /// <summary>The request with the signatures of its calls, as far as its owner's generations have them; the request itself where there is nothing to restore.</summary>
    /// <param name="request">The request.</param>
    /// <param name="route">Who is to answer it; only some want signatures.</param>
    /// <param name="owner">Whose request it is.</param>
    public ValueTask<GenerationRequest> RestoreAsync(GenerationRequest request, Route route, Owner owner) =>
        Unsigned(request.Messages) is { } lost ? RestoreAsync(request, lost, route, owner) : new(request);

    private async ValueTask<GenerationRequest> RestoreAsync(GenerationRequest request, Dictionary<string, HashSet<int>> lost, Route route, Owner owner)
    {
        if (!route.Targets.Any(t => t.Provider.Protocol.SignsCalls && t.Provider.Protocol.Name != request.Protocol)) return request;
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (generation, blocks) in lost) await ReadAsync(generation, owner, blocks, found);
        return found.Count == 0 ? request : request with { Messages = [.. request.Messages.Select(m => Restore(m, found))] };
    }

    /// <summary>The blocks of the calls without a signature whose ids are ours, by their generations; null for none.</summary>
    private static Dictionary<string, HashSet<int>>? Unsigned(IReadOnlyList<Message> messages)
    {
        Dictionary<string, HashSet<int>>? lost = null;
        for (var i = messages.Count - 1; i >= 0; i--)
        {
            var parts = messages[i].Parts;
            for (var j = 0; j < parts.Count; j++)
            {
                if (parts[j] is not ToolCallPart { Signature: null } call || !CallId.TryParse(call.Id, out var generation, out var block)) continue;
                lost ??= new(StringComparer.Ordinal);
                if (lost.TryGetValue(generation, out var blocks)) blocks.Add(block);
                else if (lost.Count < MaxGenerations) lost.Add(generation, [block]);
            }
        }

        return lost;
    }

    private async ValueTask ReadAsync(string generation, Owner owner, HashSet<int> blocks, Dictionary<string, string> found)
    {
        try
        {
            var path = GenerationPath.Of(generation);
            var info = await log.GetAsync(path);
            if (!owner.Sees(info)) return;
            using var reader = await log.OpenReaderAsync(path);
            if (reader is null) return;
            await StoredEvents.ReadAsync(reader, info.NextOffset, record =>
            {
                var json = EventRecord.Json(record.Data);
                if (json.IndexOf("\"signature\":"u8) < 0) return;
                var delta = NativeEventReader.Read(json);
                if (delta.Kind != EventKind.Delta || delta.Signature.IsEmpty || !blocks.Contains(delta.Block)) return;
                var id = CallId.Of(generation, delta.Block);
                found[id] = found.GetValueOrDefault(id) + JsonText.ToText(delta.Signature);
            });
        }
        catch (StreamException)
        {
            // It cannot be read, or has gone meanwhile: the call stays as the client sent it.
        }
    }

    private static Message Restore(Message message, Dictionary<string, string> found)
    {
        if (!message.Parts.Any(p => p is ToolCallPart { Signature: null } call && found.ContainsKey(call.Id))) return message;
        var parts = message.Parts.ToArray();
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i] is not ToolCallPart { Signature: null } call || !found.TryGetValue(call.Id, out var signature)) continue;
            // The client may have it after all, in the place that its protocol has for it.
            var isBeside = message.Parts.Any(p => p is ReasoningPart thought && thought.Signature == signature);
            if (!isBeside) parts[i] = call with { Signature = signature };
        }

        return message with { Parts = parts };
    }
}
