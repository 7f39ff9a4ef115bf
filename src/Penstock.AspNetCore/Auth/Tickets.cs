using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Streams;

namespace Penstock.AspNetCore.Auth;

/// <summary>
/// Tickets: what an EventSource, which sends no header, has in its address instead of a key, and what a link carries that shows one
/// run to whoever has it. Each opens one generation's stream, for reading, for a time, and ends with the key that it was given for.
/// </summary>
internal sealed class Tickets(IStreamLog log, KeyRing keys, PenstockOptions options, TimeProvider time)
{
    // In the log, so that tickets outlive a restart and hold at every node.
    private const string SecretPath = "keys/tickets";

    private readonly Lock _gate = new();
    private Task<byte[]>? _secret;

    /// <param name="caller">Whose ticket it is.</param>
    /// <param name="generation">The stream that it opens, which is never kept for less than the ticket.</param>
    /// <param name="lifetime">How long it is to open it; null for <see cref="AuthOptions.TicketLifetime"/>.</param>
    public async Task<(string Ticket, DateTimeOffset ExpiresAt)> NewAsync(Caller caller, StreamInfo generation, TimeSpan? lifetime)
    {
        var now = time.GetUtcNow();
        var end = generation.ExpiresAt ?? now + options.Storage.Retention;
        if (now + (lifetime ?? options.Auth.TicketLifetime) is var asked && asked < end) end = asked;
        if (caller.ExpiresAt < end) end = caller.ExpiresAt.Value;
        end = DateTimeOffset.FromUnixTimeSeconds(end.ToUnixTimeSeconds());
        var owner = caller.Owner.SeesAll ? "*" : caller.Owner.Name is { } name ? "." + name : "";
        var text = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{end.ToUnixTimeSeconds()}\n{GenerationPath.IdOf(generation.Path)}\n{caller.KeyId}\n{owner}"));
        return ($"{Base64Url.EncodeToString(text)}.{Base64Url.EncodeToString(HMACSHA256.HashData(await SecretAsync(), text))}", end);
    }

    /// <summary>The caller that a ticket stands for, or null where it is none of ours, over, or for another generation.</summary>
    public async ValueTask<Caller?> FindAsync(string ticket, string generation)
    {
        var dot = ticket.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || !Base64Url.IsValid(ticket.AsSpan(0, dot)) || !Base64Url.IsValid(ticket.AsSpan(dot + 1))) return null;
        var secret = await SecretAsync();
        var text = Base64Url.DecodeFromChars(ticket.AsSpan(0, dot));
        if (!CryptographicOperations.FixedTimeEquals(Base64Url.DecodeFromChars(ticket.AsSpan(dot + 1)), HMACSHA256.HashData(secret, text))) return null;

        // It is as we wrote it; a name may hold line ends, so it comes last.
        var parts = Encoding.UTF8.GetString(text).Split('\n', 4);
        var end = DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[0], CultureInfo.InvariantCulture));
        if (end <= time.GetUtcNow() || parts[1] != generation || (parts[2].Length > 0 && !keys.IsLive(parts[2]))) return null;
        var owner = parts[3] == "*" ? new Owner(Name: null, SeesAll: true) : new Owner(parts[3].Length == 0 ? null : parts[3][1..]);
        return new Caller(owner) { KeyId = parts[2].Length == 0 ? null : parts[2], ExpiresAt = end };
    }

    private Task<byte[]> SecretAsync()
    {
        lock (_gate)
        {
            if (_secret is null or { IsFaulted: true }) _secret = StoredSecret.LoadAsync(log, SecretPath, HMACSHA256.HashSizeInBytes);
            return _secret;
        }
    }
}
