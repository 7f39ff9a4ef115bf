using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Penstock.Streams;

namespace Penstock.Limits.Memory;

/// <summary>
/// Keeps what accounts have spent in the log, so that a restart forgets none of it: of each account and month a stream, whose
/// last event says all.
/// </summary>
internal sealed class SpendingBook(IStreamLog log, TimeProvider time, ILogger logger)
{
    private const string PathPrefix = "spent/";
    private const int MaxPaths = 1024; // that are remembered

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Spending?> _writing = new(StringComparer.Ordinal); // what is to be written next, by account
    private readonly Dictionary<(string Account, int Year, int Month), string> _paths = []; // those of late, since a hash takes a quarter of a writing

    public async ValueTask<Spending> LoadAsync(string account)
    {
        var path = PathOf(account, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
        if (await log.GetAsync(path) is not { NextOffset: > 0 } info) return default;
        using var reader = await log.OpenReaderAsync(path, info.NextOffset - 1);
        if (reader is null || await reader.WaitAsync() is not StreamWait.Ready) return default;
        return reader.TryRead(out var last) ? JsonSerializer.Deserialize(last.Data, SpendingJson.Default.Spending) : default;
    }

    /// <summary>Writes it down soon: at once, or when what is being written of the account is, the newest alone.</summary>
    public void Save(string account, Spending spending)
    {
        lock (_lock)
        {
            var busy = _writing.ContainsKey(account);
            _writing[account] = busy ? spending : null;
            if (busy) return;
        }

        _ = WriteAsync(account, spending);
    }

    private async Task WriteAsync(string account, Spending spending)
    {
        for (Spending? next = spending; next is { } current; next = Next(account))
        {
            try
            {
                await WriteOnceAsync(account, current);
            }
            catch (Exception e) when (e is StreamException or ObjectDisposedException)
            {
                LimitLog.NotKept(logger, account, e);
            }
        }
    }

    private Spending? Next(string account)
    {
        lock (_lock)
        {
            if (_writing[account] is { } next)
            {
                _writing[account] = null;
                return next;
            }

            _writing.Remove(account);
            return null;
        }
    }

    private async Task WriteOnceAsync(string account, Spending spending)
    {
        var path = PathOf(account, spending.Day);
        using var batch = new StreamBatch();
        spending.Write(batch);
        batch.EndEvent();
        if ((await log.AppendAsync(path, batch)).Status == AppendStatus.Appended) return;
        var end = new DateTimeOffset(spending.Day.Year, spending.Day.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1).AddDays(1);
        await log.CreateSharedAsync(path, new SharedStreamOptions { ExpiresAt = end }, batch);
    }

    // A name may be anything, so the path has its hash.
    private string PathOf(string account, DateOnly day)
    {
        lock (_lock)
        {
            if (_paths.TryGetValue((account, day.Year, day.Month), out var path)) return path;
            if (_paths.Count == MaxPaths) _paths.Clear(); // tokens of others' making name ever new owners
            return _paths[(account, day.Year, day.Month)] = $"{PathPrefix}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account)).AsSpan(0, 16))}/{day:yyyy-MM}";
        }
    }
}
