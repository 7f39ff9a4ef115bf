using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Limits;

namespace Penstock.AspNetCore.Auth;

/// <summary>The keys that count now: those of the configuration, and those of the key file, which is looked at twice a second.</summary>
internal sealed class KeyRing(PenstockOptions options, TimeProvider time, ILogger<KeyRing> logger) : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(500);

    // What a key without a record is compared with, so that it takes as long.
    private static readonly byte[] _noHash = new byte[SHA256.HashSizeInBytes];

    private readonly KeyFile _file = new(options.Auth.KeyFile ?? Path.Combine(options.Storage.Path, "keys.json"));
    private volatile FrozenDictionary<string, Entry> _keys = FrozenDictionary<string, Entry>.Empty;
    private (DateTime, long)? _stamp;
    private ITimer? _timer;
    private int _looking;

    /// <summary>Whether there ever was a key since the start; a server that asked for keys goes on asking when the last one is gone.</summary>
    public bool HasKeys { get; private set; }

    /// <summary>The caller whose key it is, or null.</summary>
    public Caller? Find(string text)
    {
        if (!ApiKey.TryReadId(text, out var id)) return null;
        _keys.TryGetValue(id, out var entry);
        var isRight = CryptographicOperations.FixedTimeEquals(ApiKey.Hash(text), entry?.Hash ?? _noHash);
        return isRight && IsLive(entry) ? entry!.Caller : null;
    }

    /// <summary>Whether a key is neither revoked nor expired nor unknown.</summary>
    public bool IsLive(string id) => IsLive(_keys.GetValueOrDefault(id));

    /// <exception cref="KeyFileException">The key file cannot be read.</exception>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _stamp = _file.Stamp;
        Take(_file.Read());
        _timer = time.CreateTimer(static ring => ((KeyRing)ring!).Look(), this, _lookEvery, _lookEvery);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _timer?.Dispose();

    private bool IsLive(Entry? entry) => entry is not null && (entry.Caller.ExpiresAt is not { } end || end > time.GetUtcNow());

    private void Look()
    {
        if (Interlocked.Exchange(ref _looking, 1) == 1) return;
        try
        {
            var stamp = _file.Stamp;
            if (stamp == _stamp) return;
            Take(_file.Read());
            _stamp = stamp;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            AuthLog.KeyFileUnreadable(logger, _file.Path, e.Message); // the keys of before still count
        }
        finally
        {
            Volatile.Write(ref _looking, 0);
        }
    }

    private void Take(IReadOnlyList<KeyRecord> records)
    {
        var keys = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (record.RevokedAt is null) keys[record.Id] = Entry.Of(record);
        }

        foreach (var (id, key) in options.Auth.Keys)
        {
            keys[id] = Entry.Of(new KeyRecord(id, key.Hash, key.Owner ?? id, default)
            {
                Admin = key.Admin,
                Models = [.. key.Models],
                Endpoints = [.. key.Endpoints],
                Priority = key.Priority,
                CacheMaxAge = key.CacheMaxAge,
                ExpiresAt = key.ExpiresAt,
                Limits = key.Limits,
            });
        }

        _keys = keys.ToFrozenDictionary(StringComparer.Ordinal);
        HasKeys |= records.Count > 0 || keys.Count > 0;
    }

    private sealed record Entry(byte[] Hash, Caller Caller)
    {
        public static Entry Of(KeyRecord record) => new(Convert.FromHexString(record.Hash), new Caller(new Owner(record.Owner, record.Admin))
        {
            KeyId = record.Id,
            Models = record.Models,
            Endpoints = record.Endpoints,
            Priority = KeyPriority.Parse(record.Priority),
            CacheFor = record.CacheMaxAge,
            ExpiresAt = record.ExpiresAt,
            Limits = record.Limits ?? LimitSettings.None,
        });
    }
}
