using System.Buffers;
using Penstock.Generations;
using Penstock.Generations.Conversations;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Protocols.Responses;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>Responses as the log holds them: the fold of a generation's stream.</summary>
internal sealed class ResponseStore(GenerationCatalog catalog, StoredRequests requests, ConversationStore conversations)
{
    /// <summary>The error that says there is no such response.</summary>
    public static RequestException NotFound(string name, string param = "response_id", int status = 404) =>
        new($"Response with id '{name}' not found: it never was, was not stored, was deleted, or its retention has ended.")
        {
            Status = status,
            Param = param,
            Code = param == "response_id" ? "response_not_found" : "previous_response_not_found",
        };

    /// <summary>What is known of a response without reading it; null where the owner has none, or it was not to be stored.</summary>
    public async ValueTask<(string Id, StreamInfo Info, GenerationMetadata Metadata)?> FindAsync(string name, Owner owner)
    {
        if (!name.StartsWith("resp_", StringComparison.Ordinal) || GenerationId.Parse(name) is not { } id) return null;
        if (await catalog.GetInfoAsync(id, owner) is not { } info || GenerationMetadata.TryRead(info.Metadata) is not { } metadata) return null;
        return metadata.Protocol == ResponsesProtocol.ProtocolName && ResponsesEcho.IsStored(metadata.ToRequest().Echo) ? (id, info, metadata) : null;
    }

    /// <summary>The response object as it is by now; null where it is gone meanwhile.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(string id, Owner owner)
    {
        if (await catalog.GetInfoAsync(id, owner) is not { } info) return null;
        var metadata = GenerationMetadata.Read(info.Metadata);
        // An ended stream's last record has it whole.
        using var reader = await catalog.OpenReaderAsync(id, metadata.Stream && info.Closed ? Math.Max(0, info.NextOffset - 1) : await catalog.FirstValidAsync(id));
        if (reader is null) return null;
        var fold = new ResponsesFold();
        var document = new ArrayBufferWriter<byte>();
        GenerationError? error = null;
        await StoredEvents.ReadAsync(reader, info.NextOffset, record =>
        {
            if (metadata.Stream) fold.TakeFrames(EventRecord.Frames(record.Data));
            else document.Write(EventRecord.Frames(record.Data));
            if (EventRecord.IsEnding(record.Data)) error = NativeEventReader.Read(EventRecord.Json(record.Data)).Error;
        });
        if (fold.Ended) return fold.Response;
        if (document.WrittenCount > 0) return document.WrittenMemory;

        var request = metadata.ToRequest();
        var response = new ResponsesObject(request, id, info.CreatedAt);
        if (fold.Begun) fold.Write("in_progress"u8, "in_progress"u8, null, null, null, response.Id, document);
        else if (info.Closed) response.Write("failed"u8, error, null, default, null, document);
        else response.Write(ResponsesEcho.IsBackground(request.Echo) ? "queued"u8 : "in_progress"u8, null, null, default, null, document);
        return document.WrittenMemory;
    }

    /// <summary>A body with the items that it only refers to: of earlier responses, and of what it goes on from.</summary>
    /// <exception cref="RequestException">There is no such item.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ResolveReferencesAsync(ReadOnlyMemory<byte> body, Owner owner)
    {
        var references = ResponsesReferences.Read(body);
        if (references.Count == 0) return body;
        var items = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        if (ResponsesConversation.ReadConversationId(body) is { } conversation) await AddConversationAsync(conversation, owner, items);
        if (ResponsesConversation.ReadPreviousId(body) is { } previous) await AddResponseAsync(previous, owner, items, _ => true);
        foreach (var named in references.Select(r => r.Id).Where(ResponsesReferences.IsOurs).GroupBy(ResponsesReferences.ResponseOf))
            await AddResponseAsync(named.Key, owner, items, known => !named.All(known.ContainsKey));
        if (references.FirstOrDefault(r => r.IsNeeded && !items.ContainsKey(r.Id)).Id is { } missing)
            throw new RequestException($"Item with id '{missing}' not found: its response was not stored, was deleted, or its retention has ended. Send the item itself.") { Status = 404, Param = "input", Code = "item_not_found" };
        return ResponsesReferences.Resolve(body, items);
    }

    private async ValueTask AddConversationAsync(string id, Owner owner, Dictionary<string, byte[]> items)
    {
        if (await conversations.OpenAsync(id, owner) is not { Said: { } said }) return;
        foreach (var item in said.Items) items.TryAdd(item.Id, item.Json.ToArray());
    }

    /// <summary>Adds what a response said and, where that is wanted, what it was asked. What it said goes before: nobody else's word is in its place.</summary>
    private async ValueTask AddResponseAsync(string name, Owner owner, Dictionary<string, byte[]> items, Func<Dictionary<string, byte[]>, bool> wantsInput)
    {
        if (await FindAsync(name, owner) is not var (id, _, metadata) || await ReadAsync(id, owner) is not { } response) return;
        foreach (var (itemId, json) in ResponsesReferences.ItemsOf(response)) items[itemId] = json;
        if (!wantsInput(items)) return;
        if (metadata.Conversation is { } conversation) await AddConversationAsync(conversation, owner, items);
        if (await requests.LoadAsync(id, metadata) is not { } request) return;
        foreach (var (itemId, json) in ResponsesConversation.ListInput(request.Body, name)) items.TryAdd(itemId, json);
    }

    /// <summary>Reads a body, with the conversation before it if it is a turn of one or goes on from an earlier response.</summary>
    /// <exception cref="RequestException">There is no such conversation or response, it has not ended, or the body cannot be taken.</exception>
    public async ValueTask<GenerationRequest> ReadRequestAsync(ReadOnlyMemory<byte> body, Owner owner)
    {
        if (ResponsesConversation.ReadConversationId(body) is { } conversation) return await ReadTurnAsync(body, conversation, owner);
        if (ResponsesConversation.ReadPreviousId(body) is not { } name) return ClientProtocols.Responses.ReadRequest(body);
        const string Param = "previous_response_id";
        if (await FindAsync(name, owner) is not var (id, info, metadata)) throw NotFound(name, Param, status: 400);
        if (!info.Closed)
            throw new RequestException($"The response '{name}' has not ended yet: wait for it, or cancel it.") { Param = Param, Code = "response_in_progress" };
        var earlier = await requests.LoadAsync(id, metadata);
        if (earlier is null || await ReadAsync(id, owner) is not { } response) throw NotFound(name, Param, status: 400);
        var output = ResponsesConversation.OutputOf(response);
        var joined = ResponsesConversation.Join(body, [earlier.Body, output]);
        return ClientProtocols.Responses.ReadRequest(joined) with { Continues = new Continuation(id, output, body) };
    }

    private async ValueTask<GenerationRequest> ReadTurnAsync(ReadOnlyMemory<byte> body, string id, Owner owner)
    {
        var conversation = await conversations.OpenAsync(id, owner) ?? throw ConversationStore.NotFound(id, "conversation");
        var joined = ResponsesConversation.Join(body, [conversation.Said!.ToList()]);
        return ClientProtocols.Responses.ReadRequest(joined) with { Conversation = new ConversationTurn(id, conversation.Info.NextOffset, body) };
    }
}
