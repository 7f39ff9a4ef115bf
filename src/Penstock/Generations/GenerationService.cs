using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Penstock.Protocols;
using Penstock.Protocols.Native;
using Penstock.Providers;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Starts generations, finds them again, and stops them.</summary>
internal sealed class GenerationService(
    IStreamLog log, ModelRouter router, GenerationOptions options, TimeProvider time, ILogger<GenerationService> logger)
{
    private const string PathPrefix = "generations/";
    private const string JobPrefix = "job:";

    // Long enough for a client that was cut at the very end to come back.
    private static readonly TimeSpan _unstored = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Generation> _running = new(StringComparer.Ordinal);
    private readonly IdempotencyKeys _keys = new();
    private readonly StoredRequests _requests = new(log);
    private readonly CallSignatures _signatures = new(log);
    private int _runningCount;
    private readonly CancellationTokenSource _stopping = new();
    private volatile bool _draining;

    public IReadOnlyList<string> Models => router.Models;

    /// <summary>The one name of a model that may be asked for by several: its alias, or <c>provider/model</c>.</summary>
    /// <exception cref="RequestException">Nobody answers for that name.</exception>
    public string NameOf(string? model) => router.NameOf(model);

    /// <summary>The requests that were kept.</summary>
    public StoredRequests Requests => _requests;

    /// <summary>How many generations run in this process.</summary>
    public int Running => Volatile.Read(ref _runningCount); // the dictionary's own count takes all its locks

    /// <summary>Cancelled when readers are to be sent away, from where on their leaving means nothing.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Starts a generation, or finds the one that the request's key stands for.</summary>
    /// <returns>The generation. Its stream exists.</returns>
    /// <exception cref="RequestException">The model is unknown, the key is taken by another request, or the server is going down or full.</exception>
    public async ValueTask<Started> StartAsync(GenerationRequest request, ClientProtocol protocol, StartOptions start)
    {
        // Apart, since a job's id finds its generation and a key must not.
        var name = start.JobId is not null ? JobPrefix + start.JobId : start.IdempotencyKey is not null ? "key:" + start.IdempotencyKey : null;
        if (name is null) return await CreateAsync(request, protocol, start, GenerationId.New(), key: null, bodyHash: null);

        var key = IdempotencyKeys.Hash(start.Owner, name);
        // Gemini's address says which model, and whether to stream.
        var bodyHash = IdempotencyKeys.Hash([.. System.Text.Encoding.UTF8.GetBytes($"{request.Protocol}\0{request.Model}\0{request.Stream}\0"), .. request.Body.Span]);
        while (true)
        {
            var entry = _keys.Claim(key, GenerationId.New(), bodyHash, out var claimed);
            if (!claimed)
            {
                // The client hears of an early failure before its key is released, and may be back by then.
                var free = _running.TryGetValue(entry.GenerationId, out var generation) && generation.FailedEarly;
                if (!free && await entry.Created.Task && await log.GetAsync(PathOf(entry.GenerationId)) is { } info)
                    return new Started(entry.GenerationId, GenerationMetadata.Read(info.Metadata).Dropped);
                _keys.Release(key, entry.GenerationId);
                continue;
            }

            try
            {
                var started = await CreateAsync(request, protocol, start, entry.GenerationId, key, bodyHash);
                entry.Created.SetResult(true);
                return started;
            }
            catch
            {
                _keys.Release(key, entry.GenerationId);
                entry.Created.SetResult(false);
                throw;
            }
        }
    }

    /// <summary>Finds a generation by its own id, an id that a protocol made of it, or the id of one of the owner's jobs; null for none.</summary>
    public string? Resolve(string name, Owner owner) => GenerationId.Parse(name) ?? _keys.Find(IdempotencyKeys.Hash(owner.Name, JobPrefix + name));

    /// <summary>Opens a cursor, or null when there is no such generation.</summary>
    /// <param name="id">The generation.</param>
    /// <param name="offset">The first event to read.</param>
    public async ValueTask<Subscription?> SubscribeAsync(string id, long offset)
    {
        // Found before the reader is opened: a generation that ends in between has its ending in the stream.
        _running.TryGetValue(id, out var generation);
        var reader = await log.OpenReaderAsync(PathOf(id), offset);
        return reader is null ? null : new Subscription(id, reader, generation);
    }

    /// <summary>The first event that counts: the one after the last <c>reset</c>, or 0.</summary>
    public ValueTask<long> FirstValidAsync(string id) =>
        _running.TryGetValue(id, out var generation) ? ValueTask.FromResult(generation.ResetAt + 1 ?? 0) : ReadFirstValidAsync(id);

    // The ending says it.
    private async ValueTask<long> ReadFirstValidAsync(string id)
    {
        if (await log.GetAsync(PathOf(id)) is not { Closed: true } info) return 0;
        using var reader = await log.OpenReaderAsync(info.Path, Math.Max(0, info.NextOffset - 1));
        long? resetAt = null;
        if (reader is not null) await StoredEvents.ReadAsync(reader, info.NextOffset, record => resetAt = NativeEventReader.Read(EventRecord.Json(record.Data)).ResetAt);
        return resetAt + 1 ?? 0;
    }

    /// <summary>Opens a reader that does not count as somebody who watches, or null when there is no such generation.</summary>
    public ValueTask<IStreamReader?> OpenReaderAsync(string id, long offset = 0) => log.OpenReaderAsync(PathOf(id), offset);

    /// <summary>A generation's stream, or null when the owner has no such generation. Whoever has it may go on with its id.</summary>
    public async ValueTask<StreamInfo?> GetInfoAsync(string id, Owner owner)
    {
        var info = await log.GetAsync(PathOf(id));
        return owner.Sees(info) ? info : null;
    }

    /// <summary>What is known of a generation so far, or null when the owner has no such generation.</summary>
    public async ValueTask<GenerationSnapshot?> GetSnapshotAsync(string id, Owner owner)
    {
        var info = await GetInfoAsync(id, owner);
        return info is null ? null : await SnapshotAsync(info);
    }

    /// <summary>The owner's generations, newest first; all, or those of one status.</summary>
    public async IAsyncEnumerable<GenerationSnapshot> ListAsync(string? status, Owner owner)
    {
        await foreach (var info in log.ListAsync(PathPrefix))
        {
            if (!owner.Sees(info)) continue;
            GenerationSnapshot? snapshot = null;
            try
            {
                if (status is null || await StatusAsync(info) == status) snapshot = await SnapshotAsync(info);
            }
            catch (Exception e) when (e is not ObjectDisposedException)
            {
                GenerationLog.Unreadable(logger, info.Path[PathPrefix.Length..]); // whoever asks for this one alone is told
            }

            if (snapshot is not null) yield return snapshot;
        }
    }

    /// <summary>Stops a generation and waits for its ending to be stored; an ended one stays as it is.</summary>
    /// <returns>False when the owner has no such generation.</returns>
    public async ValueTask<bool> StopAsync(string id, Owner owner)
    {
        if (await GetInfoAsync(id, owner) is null) return false;
        if (!_running.TryGetValue(id, out var generation)) return true;
        generation.Stop("requested");
        await generation.Completion;
        return true;
    }

    /// <summary>Stops a generation and removes all that is kept of it.</summary>
    /// <returns>False when the owner has no such generation.</returns>
    public async ValueTask<bool> DeleteAsync(string id, Owner owner)
    {
        if (!await StopAsync(id, owner)) return false;
        await _requests.DeleteAsync(id);
        return await log.DeleteAsync(PathOf(id));
    }

    /// <summary>Ends what a crash left open, and remembers the keys of what is kept. Called once, before the first request.</summary>
    public async Task RecoverAsync()
    {
        var recovery = new GenerationRecovery(log, _requests, router, options, time, logger);
        var goOn = new List<GenerationRecovery.Recovered>();
        var orphans = 0;
        await foreach (var info in log.ListAsync(PathPrefix))
        {
            var id = info.Path[PathPrefix.Length..];
            if (GenerationMetadata.TryRead(info.Metadata) is not { } metadata)
            {
                GenerationLog.Unreadable(logger, id);
                continue;
            }

            var goesOn = false;
            if (!info.Closed)
            {
                orphans++;
                if (await recovery.RecoverAsync(info, id, metadata, ended: Forget) is { } recovered)
                {
                    goesOn = true;
                    goOn.Add(recovered);
                }
            }

            if (metadata is { Key: { } key, BodyHash: { } hash } && (goesOn || !await IsSilentAsync(info.Path))) _keys.Restore(key, id, hash);
        }

        foreach (var again in goOn) Run(again.Generation, again.Attempts, again.NewWriter);
        if (orphans > 0) GenerationLog.Recovered(logger, orphans, orphans - goOn.Count, goOn.Count);
    }

    /// <summary>From now on every new request is told to come back later, and every reader is sent away.</summary>
    public void StopTaking()
    {
        _draining = true;
        // Subscribers are sent away next; a generation must not take that for their wish.
        foreach (var generation in _running.Values) generation.Subscribers.Dispose();
        _stopping.Cancel();
    }

    /// <summary>Waits for what runs to end; what has not in time is interrupted.</summary>
    public async Task DrainAsync()
    {
        if (_running.IsEmpty) return;
        GenerationLog.Draining(logger, Running, options.ShutdownTimeout);
        try
        {
            await Task.WhenAll(_running.Values.Select(g => g.Completion)).WaitAsync(options.ShutdownTimeout, time);
        }
        catch (TimeoutException)
        {
            foreach (var generation in _running.Values) generation.Interrupt();
            await Task.WhenAll(_running.Values.Select(g => g.Completion));
        }
    }

    /// <summary>Forgets the keys of streams that are gone.</summary>
    public async Task PruneKeysAsync()
    {
        foreach (var (key, entry) in _keys.All)
        {
            if (entry.Created.Task.IsCompleted && await log.GetAsync(PathOf(entry.GenerationId)) is null) _keys.Release(key, entry.GenerationId);
        }
    }

    // The last event tells, which spares folding all that a filter leaves out.
    private async ValueTask<string?> StatusAsync(StreamInfo info)
    {
        if (!info.Closed) return GenerationSnapshot.Running;
        using var reader = await log.OpenReaderAsync(info.Path, Math.Max(0, info.NextOffset - 1));
        return reader is null ? null : await GenerationSnapshot.ReadStatusAsync(reader);
    }

    /// <summary>Whether a generation ended, after however many attempts, before any provider said something: then its key is free.</summary>
    private async ValueTask<bool> IsSilentAsync(string path)
    {
        try
        {
            if (await log.GetAsync(path) is not { Closed: true }) return false;
            using var reader = await log.OpenReaderAsync(path);
            while (reader is not null)
            {
                while (reader.TryRead(out var record))
                {
                    var kind = NativeEventReader.Read(EventRecord.Json(record.Data)).Kind;
                    if (kind != EventKind.Attempt) return kind is EventKind.Failed or EventKind.Interrupted;
                }

                if (await reader.WaitAsync() is not StreamWait.Ready) return false;
            }

            return false;
        }
        catch (Exception e) when (e is not ObjectDisposedException)
        {
            return false; // it cannot be read, which whoever asks for it is told
        }
    }

    /// <summary>The path of a generation's stream.</summary>
    public static string PathOf(string id) => PathPrefix + id;

    private async ValueTask<Started> CreateAsync(
        GenerationRequest request, ClientProtocol protocol, StartOptions start, string id, string? key, string? bodyHash)
    {
        if (_draining)
            throw new RequestException("The server is shutting down. Try again.") { Status = 503, Code = "shutting_down", RetryAfter = TimeSpan.FromSeconds(1) };
        if (Running >= options.MaxRunning)
            throw new RequestException("The server runs as many generations as it may. Try again shortly.") { Status = 503, Code = "overloaded", RetryAfter = TimeSpan.FromSeconds(2) };
        var route = router.Route(request.Model);
        if (route.Targets.Any(t => t.Provider.Protocol.SignsCalls && t.Provider.Protocol.Name != request.Protocol)) request = await _signatures.RestoreAsync(request, new Owner(start.Owner));
        var attempts = new Attempts(request, route, options.Retry);
        try
        {
            return await BeginAsync(request, protocol, start, id, key, bodyHash, attempts);
        }
        catch
        {
            attempts.Abandon(); // or its target would wait for ever for what comes of it
            throw;
        }
    }

    private async ValueTask<Started> BeginAsync(
        GenerationRequest request, ClientProtocol protocol, StartOptions start, string id, string? key, string? bodyHash, Attempts attempts)
    {
        var asked = attempts.Current;
        var target = asked.Target;
        var metadata = new GenerationMetadata(protocol.Name, request.Stream, request.IncludeUsage, request.Choices, request.Model, target.Name, key, bodyHash)
        {
            Owner = start.Owner,
            GraceSeconds = start.OnDisconnect == DisconnectPolicy.Detach ? null : start.OnDisconnect.Grace.TotalSeconds,
            Dropped = asked.Dropped.Count == 0 ? null : asked.Dropped,
            Echo = request.Echo,
        };
        IStreamWriter stream;
        try
        {
            if (request.Store ?? options.OnCrash != CrashPolicy.Fail) await _requests.SaveAsync(id, request);
            stream = await log.CreateAsync(PathOf(id), new StreamOptions { Metadata = metadata.ToBytes(), Retention = request.Store is false ? _unstored : null });
        }
        catch (StreamStorageException e)
        {
            GenerationLog.StoreFailed(logger, id, e);
            var error = GenerationErrors.From(e);
            throw new RequestException(error.Message) { Status = error.Status, Code = error.Code };
        }

        var (light, createdAt) = (metadata.ToRequest(), time.GetUtcNow());
        EventWriter NewWriter() => protocol.NewEventWriter(light, id, createdAt);
        var recorder = new EventRecorder(stream, NewWriter(), id, target.Name, request.Protocol, passthrough: request.Protocol == target.Provider.Protocol.Name)
        {
            HoldsPreamble = !request.Background,
            KeepsPreamble = protocol.KeepsPreamble,
        };
        Run(new Generation(id, recorder, UsageEstimate.Input(request), start.OnDisconnect, ended: Forget, time, logger) { Key = key }, attempts, NewWriter);
        return new Started(id, metadata.Dropped);
    }

    private void Run(Generation generation, Attempts attempts, Func<EventWriter> newWriter)
    {
        _running[generation.Id] = generation;
        Interlocked.Increment(ref _runningCount);
        if (_draining) generation.Subscribers.Dispose();
        generation.Start(attempts, newWriter);
    }

    private void Forget(Generation generation)
    {
        if (generation is { Key: { } key, FailedEarly: true }) _keys.Release(key, generation.Id);
        _running.TryRemove(generation.Id, out _);
        Interlocked.Decrement(ref _runningCount);
    }

    private async ValueTask<GenerationSnapshot?> SnapshotAsync(StreamInfo info)
    {
        using var reader = await log.OpenReaderAsync(info.Path);
        return reader is null ? null : await GenerationSnapshot.ReadAsync(info.Path[PathPrefix.Length..], info, reader);
    }
}

/// <summary>A generation that was started or joined.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Dropped">What of the request its provider was not told, or null.</param>
internal readonly record struct Started(string Id, IReadOnlyList<string>? Dropped);
