using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Streams;

namespace Penstock.Generations.Tools;

/// <summary>
/// What people say to calls that wait for them. Each generation that waits has a shared stream of its own, to which whoever is asked
/// adds, on whatever node; the generation reads there, and the first word on a call counts.
/// </summary>
/// <param name="log">The store.</param>
/// <param name="keepFor">How long an answer is kept.</param>
/// <param name="time">The clock.</param>
internal sealed class Approvals(IStreamLog log, TimeSpan keepFor, TimeProvider time)
{
    private const string PathPrefix = "approvals/";

    /// <summary>Has a place for what will be said.</summary>
    /// <exception cref="StreamStorageException">The store cannot take it.</exception>
    public async ValueTask AskAsync(string generation)
    {
        try
        {
            var now = time.GetUtcNow();
            await log.CreateSharedAsync(PathPrefix + generation, new SharedStreamOptions { KeepWhole = true, ExpiresAt = keepFor < DateTimeOffset.MaxValue - now ? now + keepFor : null });
        }
        catch (StreamExistsException)
        {
            // Another call waited before.
        }
    }

    /// <summary>Says a person's word on a call.</summary>
    /// <returns>The word that counts: the first. Null where nobody is asked here.</returns>
    /// <exception cref="StreamStorageException">The store cannot take it.</exception>
    public async ValueTask<bool?> DecideAsync(string generation, int block, bool approve)
    {
        using (var before = await log.OpenReaderAsync(PathPrefix + generation))
        {
            // Nothing is kept of those who say it again.
            if (before is not null && await SaidAsync(before, block, await log.GetAsync(PathPrefix + generation)) is { } known) return known;
        }

        using var batch = new StreamBatch();
        batch.Add(JsonSerializer.SerializeToUtf8Bytes(new Decision(block, approve), ApprovalJson.Default.Decision));
        if ((await log.AppendAsync(PathPrefix + generation, batch)).Status == AppendStatus.NotFound) return null;
        using var reader = await log.OpenReaderAsync(PathPrefix + generation);
        return reader is null ? approve : await SaidAsync(reader, block, await log.GetAsync(PathPrefix + generation)) ?? approve;
    }

    /// <summary>Waits for the word on a call.</summary>
    /// <returns>The word; null when there is no more to wait for. Where none comes in time it is no, and whoever says yes then is told that it is too late.</returns>
    /// <exception cref="StreamStorageException">The store cannot take that no.</exception>
    /// <exception cref="OperationCanceledException">The wait was given up.</exception>
    public async Task<bool?> WaitAsync(string generation, int block, TimeSpan timeout, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(timeout, time);
        using var reader = await log.OpenReaderAsync(PathPrefix + generation, cancellationToken: stop);
        if (reader is null) return null;
        using var onStop = stop.UnsafeRegister(static r => ((IStreamReader)r!).Wake(), reader);
        using var onLate = late.Token.UnsafeRegister(static r => ((IStreamReader)r!).Wake(), reader);
        while (true)
        {
            if (TryFind(reader, block) is { } said) return said;
            stop.ThrowIfCancellationRequested();
            if (late.IsCancellationRequested) return await DecideAsync(generation, block, approve: false);
            if (await reader.WaitAsync() is not (StreamWait.Ready or StreamWait.Woken)) return null;
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // not on whoever appended
        }
    }

    public ValueTask<bool> DeleteAsync(string generation) => log.DeleteAsync(PathPrefix + generation);

    private static async ValueTask<bool?> SaidAsync(IStreamReader reader, int block, StreamInfo? info)
    {
        while (true)
        {
            if (TryFind(reader, block) is { } said) return said;
            if (reader.NextOffset >= (info?.NextOffset ?? 0) || await reader.WaitAsync() is not StreamWait.Ready) return null;
        }
    }

    private static bool? TryFind(IStreamReader reader, int block)
    {
        while (reader.TryRead(out var record))
        {
            if (JsonSerializer.Deserialize(record.Data, ApprovalJson.Default.Decision) is { } decision && decision.Block == block) return decision.Approve;
        }

        return null;
    }
}

/// <param name="Block">The call.</param>
/// <param name="Approve">Whether it may run.</param>
internal sealed record Decision(int Block, bool Approve);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Decision))]
internal sealed partial class ApprovalJson : JsonSerializerContext;
