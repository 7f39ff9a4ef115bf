using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Penstock.Protocols;

namespace Penstock.Generations;

/// <summary>Which generation a key stands for. The streams' metadata holds the same, so a restart loses none.</summary>
internal sealed class IdempotencyKeys
{
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>One key of two owners is two keys. The length keeps an owner's name and a key from being read as another pair.</summary>
    public static string Hash(string? owner, string key) => Hash(Encoding.UTF8.GetBytes(owner is null ? key : $"owner:{owner.Length}:{owner}:{key}"));

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16));

    /// <summary>Takes the key for a new generation, or returns the entry that has it.</summary>
    /// <exception cref="RequestException">422: the key was used with another request.</exception>
    public Entry Claim(string key, string generationId, string bodyHash, out bool claimed)
    {
        var mine = new Entry(generationId, bodyHash);
        var entry = _entries.GetOrAdd(key, mine);
        claimed = ReferenceEquals(entry, mine);
        if (entry.BodyHash == bodyHash) return entry;
        throw new RequestException("This Idempotency-Key was used with a different request. Use a new key for a new request.")
        {
            Status = 422,
            Code = "idempotency_key_reused",
        };
    }

    public void Restore(string key, string generationId, string bodyHash)
    {
        var entry = new Entry(generationId, bodyHash);
        entry.Created.SetResult(true);
        _entries.TryAdd(key, entry);
    }

    public string? Find(string key) => _entries.TryGetValue(key, out var entry) ? entry.GenerationId : null;

    public void Release(string key, string generationId)
    {
        if (_entries.TryGetValue(key, out var entry) && entry.GenerationId == generationId)
            _entries.TryRemove(new KeyValuePair<string, Entry>(key, entry));
    }

    /// <summary>All keys and their generations, for pruning.</summary>
    public IEnumerable<KeyValuePair<string, Entry>> All => _entries;

    public sealed class Entry(string generationId, string bodyHash)
    {
        public string GenerationId { get; } = generationId;

        public string BodyHash { get; } = bodyHash;

        /// <summary>Completes when the generation's stream is there (true), or could not be made (false).</summary>
        public TaskCompletionSource<bool> Created { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
