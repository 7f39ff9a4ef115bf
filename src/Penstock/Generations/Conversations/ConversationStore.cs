using System.Globalization;
using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Protocols.Responses;
using Penstock.Streams;

namespace Penstock.Generations.Conversations;

/// <summary>
/// Conversations, each a log of its own that anybody may append to who has read it to its end: whoever was second is refused by the
/// store, on whatever node, and so turns are neither lost nor mixed. What a response goes on from is a fork of that log, and so is a
/// conversation that branches off another one.
/// </summary>
internal sealed class ConversationStore(IStreamLog log, TimeSpan lifetime, TimeProvider time, ILogger<ConversationStore> logger)
{
    // So long a turn may be without its generation, which is created right after it.
    private static readonly TimeSpan _creation = TimeSpan.FromMinutes(1);

    private const int Tries = 5;

    public const string LockedCode = "conversation_locked";

    /// <summary>What owners may keep; null for as much as they like.</summary>
    public ConversationQuota? Quota { get; init; }

    /// <summary>Makes a conversation; made before with the same key, it is the same one.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="label">To whom it belongs.</param>
    /// <param name="metadata">Its metadata, a JSON object.</param>
    /// <param name="items">What it begins with.</param>
    /// <param name="from">The conversation that it branches off; null for none.</param>
    /// <exception cref="RequestException">It was made with something else before, or what it branches off is gone.</exception>
    public async ValueTask<Conversation> CreateAsync(string id, ConversationLabel label, ReadOnlyMemory<byte> metadata, IEnumerable<ReadOnlyMemory<byte>> items, Branch? from = null)
    {
        var head = new ConversationHead { At = time.GetUtcNow(), Metadata = metadata, Deleted = from?.Without ?? [] };
        using var batch = new StreamBatch();
        batch.Add(ConversationRecord.Write(ConversationRecordKind.Items, head, from is null ? items : from.Items.Concat(items)));
        if (from is not null) label = label with { From = ConversationId.IdOf(from.Fork.Source) };
        var options = new SharedStreamOptions { Metadata = label.ToBytes(), TimeToLive = lifetime, KeepWhole = true, Fork = from?.Fork };
        // Made before with the same key, it takes none again.
        if (label.BodyHash is not null && await PeekAsync(id) is { } made) return SameAs(made, label);
        using var room = Quota is null ? null : await Quota.TakeAsync(label.Owner, 1, batch.Bytes.Length);
        try
        {
            var info = await log.CreateSharedAsync(ConversationId.PathOf(id), options, batch);
            room?.Keep();
            return new Conversation(id, info, head);
        }
        catch (StreamExistsException) when (label.BodyHash is not null)
        {
            return SameAs(await PeekAsync(id) ?? throw Taken(), label);
        }
        catch (StreamGoneException)
        {
            throw NotFound(ConversationId.IdOf(from!.Fork.Source), "fork_from");
        }
    }

    /// <summary>A conversation with all that was said in it; null where the owner has none of that name.</summary>
    public async ValueTask<Conversation?> OpenAsync(string id, Owner owner)
    {
        if (await GetAsync(id, owner) is not { Head: var head }) return null;
        if (head.Turn is not null) await SettleAsync(id);
        return await ReadAsync(id);
    }

    /// <summary>A conversation as its newest record has it; null where the owner has none of that name.</summary>
    public async ValueTask<Conversation?> GetAsync(string id, Owner owner) =>
        await PeekAsync(id) is { } conversation && Sees(owner, conversation.Info) ? conversation : null;

    /// <summary>The owner's conversations, the newest first.</summary>
    public async IAsyncEnumerable<Conversation> ListAsync(Owner owner)
    {
        await foreach (var info in log.ListAsync(ConversationId.PathPrefix))
        {
            if (Sees(owner, info) && await PeekAsync(ConversationId.IdOf(info.Path)) is { } conversation) yield return conversation;
        }
    }

    /// <summary>Changes the metadata.</summary>
    public async ValueTask<Conversation> UpdateAsync(string id, ReadOnlyMemory<byte> metadata)
    {
        for (var i = 0; i < Tries; i++)
        {
            var now = await PeekAsync(id) ?? throw NotFound(id);
            var head = Next(now.Head) with { Metadata = metadata };
            if (await TryAppendAsync(now, ConversationRecordKind.Metadata, head, [])) return now with { Head = head };
        }

        throw Moved();
    }

    /// <summary>Puts items in; those that came with the same key before are there already.</summary>
    /// <returns>The ids of the items.</returns>
    /// <exception cref="RequestException">A response is being made in it, or something else was put in with that key.</exception>
    public async ValueTask<(Conversation Conversation, IReadOnlyList<string> Ids)> AddAsync(
        string id, Owner owner, IReadOnlyList<ReadOnlyMemory<byte>> items, (string Key, string Body)? key)
    {
        for (var i = 0; i < Tries; i++)
        {
            var now = await OpenAsync(id, owner) ?? throw NotFound(id);
            if (key is var (name, body) && now.Said!.Find(name) is var (before, ids))
            {
                if (before == body) return (now, ids);
                throw IdempotencyKeys.Reused();
            }

            if (now.Head.Turn is not null) throw Locked(id);
            if (!await TryAppendAsync(now, ConversationRecordKind.Items, Next(now.Head) with { Key = key }, items)) continue;
            var then = await ReadAsync(id) ?? throw NotFound(id); // with what others have put in or taken out by then
            return (then, [.. then.Said!.Items.Where(item => item.First == now.Info.NextOffset).Select(item => item.Id)]);
        }

        throw Moved();
    }

    /// <summary>Takes an item out.</summary>
    /// <exception cref="RequestException">There is none of that id, or a response is being made from it.</exception>
    public async ValueTask<Conversation> RemoveAsync(string id, Owner owner, string itemId)
    {
        for (var i = 0; i < Tries; i++)
        {
            var now = await OpenAsync(id, owner) ?? throw NotFound(id);
            if (!now.Said!.Items.Any(item => item.Id == itemId)) throw ItemNotFound(id, itemId);
            if (now.Head.Turn is not null) throw Locked(id);
            var head = Next(now.Head) with { Deleted = [itemId] };
            if (await TryAppendAsync(now, ConversationRecordKind.Delete, head, [])) return now with { Head = head };
        }

        throw Moved();
    }

    /// <summary>Removes the conversation's log, unless something was said there since it was read.</summary>
    /// <returns>False when something was.</returns>
    public async ValueTask<bool> TryDeleteAsync(Conversation read)
    {
        try
        {
            // Closed first, so that no response begins in what is about to go. Should the server die in between, whoever asks again finds it closed.
            if (!read.Info.Closed && !await TryAppendAsync(read, ConversationRecordKind.Void, Next(read.Head) with { Turn = null }, [], close: true)) return false;
        }
        catch (StreamStorageException e) when (e is not StreamUnreachableException)
        {
            // It is full: nothing is said there any more, and what goes makes room.
        }

        await log.DeleteAsync(read.Info.Path);
        Quota?.Recount(ConversationLabel.Of(read.Info).Owner);
        return true;
    }

    /// <summary>A response begins: until it has ended nothing else is said in the conversation.</summary>
    /// <param name="turn">The conversation as the response goes on from it.</param>
    /// <param name="generationId">The generation.</param>
    /// <exception cref="RequestException">Another one is being made, or something was said meanwhile.</exception>
    public async ValueTask BeginAsync(ConversationTurn turn, string generationId)
    {
        var hex = generationId.AsSpan(generationId.IndexOf('_') + 1).ToString();
        var items = ConversationItems.ReadInput(turn.Body, (prefix, place) => $"{prefix}{hex}_in{place}");
        var now = await PeekAsync(turn.Id) ?? throw NotFound(turn.Id, "conversation");
        if (now.Head.Turn is not null || now.Info.NextOffset != turn.Offset) throw Locked(turn.Id);
        var head = Next(now.Head) with { Turn = generationId, TurnBegan = time.GetUtcNow() };
        if (!await TryAppendAsync(now, ConversationRecordKind.Turn, head, items) && (await PeekAsync(turn.Id))?.Head.Turn != generationId) throw Locked(turn.Id);
    }

    /// <summary>Nothing comes of a turn, since its generation was not created. Should this fail, the turn lapses after a minute.</summary>
    public Task TryCancelAsync(string id, string generationId) => TryAsync(id, EndAsync(id, generationId, items: null));

    /// <summary>Puts in what an open turn's generation said, if that has ended; otherwise changes nothing.</summary>
    public async ValueTask SettleAsync(string id)
    {
        if (await PeekAsync(id) is not { Head: { Turn: { } generationId } head }) return;
        var info = await log.GetAsync(GenerationPath.Of(generationId));
        if (info is null ? time.GetUtcNow() - head.TurnBegan < _creation : !info.Closed) return;
        var items = info is null ? null : await TurnAnswer.ReadAsync(log, info);
        await EndAsync(id, generationId, items);
    }

    /// <summary>As <see cref="SettleAsync"/>, for who has just ended the generation: should it fail, whoever comes to the conversation next does it.</summary>
    public Task TrySettleAsync(string id) => TryAsync(id, SettleAsync(id));

    /// <summary>The error that says there is no such conversation.</summary>
    public static RequestException NotFound(string id, string? param = null) =>
        new($"Conversation with id '{id}' not found: it never was, was deleted, or was not used for too long.") { Status = 404, Param = param, Code = "conversation_not_found" };

    public static RequestException ItemNotFound(string id, string itemId) =>
        new($"Item with id '{itemId}' not found in conversation '{id}'.") { Status = 404, Param = "item_id", Code = "item_not_found" };

    private static RequestException Locked(string id) =>
        new($"A response is being made in the conversation '{id}', or something was said there in the same moment. Wait for it, then ask again.")
        {
            Status = 409,
            Param = "conversation",
            Code = LockedCode,
            RetryAfter = TimeSpan.FromSeconds(1),
        };

    private static RequestException Taken() =>
        new RequestException("The conversation that was made with this Idempotency-Key was deleted, and branches of it live. Use a new key.") { Status = 422, Code = "idempotency_key_reused" };

    private static Conversation SameAs(Conversation there, ConversationLabel label) => ConversationLabel.Of(there.Info).BodyHash == label.BodyHash ? there : throw IdempotencyKeys.Reused();

    private static RequestException Moved() => new("The conversation changes faster than it could be changed. Try again.") { Status = 409, Code = LockedCode, RetryAfter = TimeSpan.FromSeconds(1) };

    private static bool Sees(Owner owner, StreamInfo info) => owner.SeesAll || ConversationLabel.Of(info).Owner == owner.Name;

    private ConversationHead Next(ConversationHead head) => head with { At = time.GetUtcNow(), Deleted = [], Key = null };

    private async Task TryAsync(string id, ValueTask settling)
    {
        try
        {
            await settling;
        }
        catch (Exception e) when (e is not ObjectDisposedException)
        {
            ConversationLog.NotSettled(logger, id, e);
        }
    }

    private async ValueTask EndAsync(string id, string generationId, IReadOnlyList<ReadOnlyMemory<byte>>? items)
    {
        for (var i = 0; i < Tries; i++)
        {
            if (await PeekAsync(id) is not { } now || now.Head.Turn != generationId) return;
            if (await TryAppendAsync(now, items is null ? ConversationRecordKind.Void : ConversationRecordKind.Answer, Next(now.Head) with { Turn = null }, items ?? [])) return;
        }

        throw Moved();
    }

    /// <summary>Appends after what was read, unless somebody else has.</summary>
    private async ValueTask<bool> TryAppendAsync(Conversation read, ConversationRecordKind kind, ConversationHead head, IReadOnlyList<ReadOnlyMemory<byte>> items, bool close = false)
    {
        using var batch = new StreamBatch();
        batch.Add(ConversationRecord.Write(kind, head, items));
        // What comes of a turn is kept once that was let in, and an end takes hardly any.
        var isOwed = kind is ConversationRecordKind.Answer or ConversationRecordKind.Void or ConversationRecordKind.Delete;
        using var room = Quota is null ? null : await Quota.TakeAsync(ConversationLabel.Of(read.Info).Owner, 0, batch.Bytes.Length, isOwed);
        // Each append names the offset that it wants, and must name a later one than the append before it.
        var append = new StreamAppend { Sequence = read.Info.NextOffset.ToString("D19", CultureInfo.InvariantCulture), Close = close };
        var result = await log.AppendAsync(read.Info.Path, batch, append);
        if (result.Status == AppendStatus.Appended) room?.Keep();
        return result.Status switch
        {
            AppendStatus.Appended => true,
            AppendStatus.OutOfOrder => false,
            _ => throw NotFound(read.Id),
        };
    }

    private async ValueTask<Conversation?> PeekAsync(string id)
    {
        if (await InfoAsync(id) is not { } info) return null;
        using var reader = await log.OpenReaderAsync(info.Path, Math.Max(0, info.NextOffset - 1));
        if (reader is null) return null;
        ConversationHead? head = null;
        await StoredEvents.ReadAsync(reader, info.NextOffset, record => head = ConversationRecord.Read(record.Data.ToArray()).Head);
        return head is null ? null : new Conversation(id, info, head);
    }

    private async ValueTask<Conversation?> ReadAsync(string id)
    {
        if (await InfoAsync(id) is not { } info) return null;
        using var reader = await log.OpenReaderAsync(info.Path);
        if (reader is null) return null;
        var said = new ConversationFold();
        await StoredEvents.ReadAsync(reader, info.NextOffset, record => said.Take(record.Data.ToArray()));
        return new Conversation(id, info, said.Head) { Said = said };
    }

    private async ValueTask<StreamInfo?> InfoAsync(string id) =>
        ConversationId.IsValid(id) && await log.GetAsync(ConversationId.PathOf(id)) is { KeptForForks: false, Shared: true } info ? info : null;
}
