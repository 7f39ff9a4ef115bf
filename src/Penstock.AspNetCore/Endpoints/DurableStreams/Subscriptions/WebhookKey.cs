using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Penstock.AspNetCore.Auth;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>The server's own secret: signs webhooks, so that receivers can check them by a public key, and the tokens that come back.</summary>
internal sealed class WebhookKey
{
    // In the log, so that it lives as long as the subscriptions do.
    private const string Path = "keys/webhooks";

    private readonly byte[] _privateKey;
    private readonly byte[] _tokenKey;

    private WebhookKey(byte[] privateKey)
    {
        _privateKey = privateKey;
        _tokenKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, privateKey, KeyBytes, info: "penstock subscription tokens"u8.ToArray());
        PublicKey = Ed25519.PublicKey(privateKey);
        Id = "ds_" + Base64Url.EncodeToString(SHA256.HashData(PublicKey).AsSpan(0, 16));
    }

    private const int KeyBytes = Ed25519.KeySize;

    /// <summary>What receivers know the key by.</summary>
    public string Id { get; }

    public byte[] PublicKey { get; }

    /// <summary>The key that the log keeps, made if there is none yet.</summary>
    public static async Task<WebhookKey> LoadAsync(IStreamLog log) => new(await StoredSecret.LoadAsync(log, Path, KeyBytes));

    /// <summary>The value of the header that proves a body.</summary>
    public string Sign(DateTimeOffset now, ReadOnlySpan<byte> body)
    {
        var time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = Ed25519.Sign(_privateKey, [.. Encoding.ASCII.GetBytes(time), (byte)'.', .. body]);
        return $"t={time},kid={Id},ed25519={Base64Url.EncodeToString(signature)}";
    }

    /// <summary>A token for one wake of one subscription, which also says whose that is.</summary>
    public string NewToken(string? owner, string subscription, long generation)
    {
        var mac = Base64Url.EncodeToString(Mac(owner, subscription, generation));
        return owner is null ? mac : $"{mac}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(owner))}";
    }

    /// <summary>Whether a token is one for that wake, and of whose subscription.</summary>
    public bool IsToken(string token, string subscription, long generation, out string? owner)
    {
        owner = null;
        var dot = token.IndexOf('.', StringComparison.Ordinal);
        var mac = token.AsSpan(0, dot < 0 ? token.Length : dot);
        if (dot >= 0)
        {
            if (!Base64Url.IsValid(token.AsSpan(dot + 1))) return false;
            owner = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.AsSpan(dot + 1)));
        }

        Span<byte> given = stackalloc byte[KeyBytes];
        return Base64Url.IsValid(mac, out var length) && length == KeyBytes
            && Base64Url.TryDecodeFromChars(mac, given, out _)
            && CryptographicOperations.FixedTimeEquals(given, Mac(owner, subscription, generation));
    }

    private byte[] Mac(string? owner, string subscription, long generation) => HMACSHA256.HashData(_tokenKey, Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{(owner is null ? "" : $"{owner.Length}.{owner}.")}{generation}:{subscription}")));
}
