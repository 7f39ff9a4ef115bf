using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
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
    public static async Task<WebhookKey> LoadAsync(IStreamLog log)
    {
        if (await log.GetAsync(Path) is null)
        {
            using var batch = new StreamBatch();
            batch.Add(RandomNumberGenerator.GetBytes(KeyBytes));
            try
            {
                await log.CreateSharedAsync(Path, new SharedStreamOptions { Closed = true, KeepWhole = true }, batch);
            }
            catch (StreamExistsException)
            {
                // Another one was quicker.
            }
        }

        using var reader = await log.OpenReaderAsync(Path);
        if (reader is not null && await reader.WaitAsync() is StreamWait.Ready && reader.TryRead(out var key)) return new WebhookKey(key.Data.ToArray());
        throw new InvalidOperationException("The key that webhooks are signed with cannot be read from the log.");
    }

    /// <summary>The value of the header that proves a body.</summary>
    public string Sign(DateTimeOffset now, ReadOnlySpan<byte> body)
    {
        var time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = Ed25519.Sign(_privateKey, [.. Encoding.ASCII.GetBytes(time), (byte)'.', .. body]);
        return $"t={time},kid={Id},ed25519={Base64Url.EncodeToString(signature)}";
    }

    /// <summary>A token for one wake of one subscription.</summary>
    public string NewToken(string subscription, long generation) => Base64Url.EncodeToString(Mac(subscription, generation));

    public bool IsToken(string token, string subscription, long generation)
    {
        Span<byte> given = stackalloc byte[KeyBytes];
        return Base64Url.IsValid(token, out var length) && length == KeyBytes
            && Base64Url.TryDecodeFromChars(token, given, out _)
            && CryptographicOperations.FixedTimeEquals(given, Mac(subscription, generation));
    }

    private byte[] Mac(string subscription, long generation) =>
        HMACSHA256.HashData(_tokenKey, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{generation}:{subscription}")));
}
