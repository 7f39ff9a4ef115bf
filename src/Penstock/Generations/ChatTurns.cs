using System.Text;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Which generation answers a chat that its client has a name for, on whatever node: a stream <c>chats/{hash}</c> with an
/// event for each turn, the generation's id.
/// </summary>
/// <param name="log">The store.</param>
/// <param name="lifetime">How long an unused chat is kept.</param>
internal sealed class ChatTurns(IStreamLog log, TimeSpan lifetime)
{
    /// <summary>Notes that a generation answers the chat now.</summary>
    public async ValueTask AddAsync(Owner owner, string chat, string generationId)
    {
        var path = PathOf(owner, chat);
        using var batch = new StreamBatch();
        batch.Add(Encoding.ASCII.GetBytes(generationId));
        while ((await log.AppendAsync(path, batch)).Status == AppendStatus.NotFound)
        {
            try
            {
                await log.CreateSharedAsync(path, new SharedStreamOptions { TimeToLive = lifetime });
            }
            catch (StreamExistsException)
            {
                // Another turn of the chat was first.
            }
        }
    }

    /// <summary>The generation that answered the chat last; null for none.</summary>
    public async ValueTask<string?> LastAsync(Owner owner, string chat)
    {
        var path = PathOf(owner, chat);
        if (await log.GetAsync(path) is not { NextOffset: > 0 } info) return null;
        using var reader = await log.OpenReaderAsync(path, info.NextOffset - 1);
        while (reader is not null)
        {
            if (reader.TryRead(out var record)) return Encoding.ASCII.GetString(record.Data);
            if (await reader.WaitAsync() is not StreamWait.Ready) break;
        }

        return null;
    }

    private static string PathOf(Owner owner, string chat) => $"chats/{IdempotencyKeys.Hash(owner.Name, chat)}";
}
