using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Which generation a key stands for, on whatever node. A claim is a stream <c>keys/{hash}</c> without events: creating it is
/// atomic in every store. A claim whose generation is gone, or came to nothing, is followed by another one, named after that generation.
/// </summary>
/// <param name="log">The store.</param>
/// <param name="lifetime">How long an unused claim is kept; longer than a generation's stream, or its key would be free before it is gone.</param>
/// <param name="prefix">Where the claims are: another prefix for keys that nobody gave but that are made of what is asked (<see cref="AnswerCache"/>).</param>
internal sealed class IdempotencyKeys(IStreamLog log, TimeSpan lifetime, string prefix = "keys/")
{
    /// <summary>One key of two owners is two keys. The length keeps an owner's name and a key from being read as another pair.</summary>
    public static string Hash(string? owner, string key) => Hash(Encoding.UTF8.GetBytes(owner is null ? key : $"owner:{owner.Length}:{owner}:{key}"));

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16));

    /// <summary>The error for a key that comes again with something else.</summary>
    public static RequestException Reused() =>
        new("This Idempotency-Key was used with a different request. Use a new key for a new request.") { Status = 422, Code = "idempotency_key_reused" };

    /// <summary>Claims a key for a generation whose stream is there, unless another one has it.</summary>
    /// <param name="key">The key's hash.</param>
    /// <param name="mine">The generation to claim it for; null only looks.</param>
    /// <param name="stands">Whether a generation still has its key.</param>
    /// <param name="expiresAt">When the claim ends, used or not; null for when it has not been used for long.</param>
    /// <returns>Who has the key; null for nobody.</returns>
    public async ValueTask<KeyClaim?> ClaimAsync(string key, KeyClaim? mine, Func<string, ValueTask<bool>> stands, DateTimeOffset? expiresAt = null)
    {
        var path = prefix + key;
        while (true)
        {
            if (await ReadAsync(path) is { } claim)
            {
                if (await stands(claim.GenerationId)) return claim;
                path = After(key, claim);
            }
            else if (mine is null)
            {
                return null;
            }
            else if (await TryCreateAsync(path, mine, expiresAt))
            {
                return mine;
            }
        }
    }

    /// <summary>The generation that claimed a key last, whatever became of it; null for none.</summary>
    public async ValueTask<string?> FindAsync(string key)
    {
        KeyClaim? last = null;
        for (var path = prefix + key; await ReadAsync(path) is { } claim; path = After(key, claim)) last = claim;
        return last?.GenerationId;
    }

    private string After(string key, KeyClaim claim) => $"{prefix}{key}/{claim.GenerationId}";

    private async ValueTask<KeyClaim?> ReadAsync(string path)
    {
        using var use = await log.OpenReaderAsync(path); // so that its time begins anew
        return use is not null && await log.GetAsync(path) is { } info ? JsonSerializer.Deserialize(info.Metadata.Span, KeyJson.Default.KeyClaim) : null;
    }

    private async ValueTask<bool> TryCreateAsync(string path, KeyClaim claim, DateTimeOffset? expiresAt)
    {
        try
        {
            var options = new SharedStreamOptions
            {
                Metadata = JsonSerializer.SerializeToUtf8Bytes(claim, KeyJson.Default.KeyClaim),
                TimeToLive = expiresAt is null ? lifetime : null,
                ExpiresAt = expiresAt,
                Closed = true,
            };
            await log.CreateSharedAsync(path, options);
            return true;
        }
        catch (StreamExistsException)
        {
            return false;
        }
    }
}

/// <summary>A generation that has a key.</summary>
/// <param name="GenerationId">The generation.</param>
/// <param name="BodyHash">Its request's hash.</param>
internal sealed record KeyClaim(string GenerationId, string BodyHash);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KeyClaim))]
internal sealed partial class KeyJson : JsonSerializerContext;
