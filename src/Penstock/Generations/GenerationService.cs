using Microsoft.Extensions.Logging;
using Penstock.Generations.Conversations;
using Penstock.Generations.Tools;
using Penstock.Jobs;
using Penstock.Limits;
using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Providers;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>The half that holds the client: starts generations and stops them, wherever they run.</summary>
internal sealed class GenerationService(
    IStreamLog log, IJobQueue queue, GenerationCatalog catalog, GenerationWorker worker, GenerationRecovery recovery, StoredRequests requests, Watchers watchers,
    ConversationStore conversations, GenerationLimits limits, ModelRouter router, HistoryBudgets history, ToolLoops tools, GenerationOptions options, TimeProvider time, ILogger<GenerationService> logger)
{
    private const string JobPrefix = "job:";
    private const string ApprovalPrefix = "approval:";

    // Long enough for a client that was cut at the very end to come back.
    private static readonly TimeSpan _unstored = TimeSpan.FromMinutes(1);

    // Until two that end the same stream have another try.
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(20);

    // Until what the store did not let be taken back is taken back again.
    private static readonly TimeSpan _withdrawal = TimeSpan.FromSeconds(1);

    // By how much the clocks of nodes may differ, so that what has ended in between is not overlooked.
    private static readonly TimeSpan _sweepOverlap = TimeSpan.FromMinutes(15);

    // Long enough for whoever created a stream to enqueue its job.
    private static readonly TimeSpan _forgotten = TimeSpan.FromMinutes(2);

    private readonly IdempotencyKeys _keys = new(log, options.KeyLifetime);
    private readonly AnswerCache _cache = new(log, catalog, time);
    private readonly CallSignatures _signatures = new(log);
    private readonly CancellationTokenSource _stopping = new();
    private DateTimeOffset? _sweptAt;
    private volatile bool _draining;

    public IReadOnlyList<string> Models => router.Models;

    /// <summary>The one name of a model that may be asked for by several: its alias, or <c>provider/model</c>.</summary>
    /// <exception cref="RequestException">Nobody answers for that name.</exception>
    public string NameOf(string? model) => router.NameOf(model);

    /// <summary>How many generations run in this process.</summary>
    public int Running => worker.Running;

    /// <summary>Cancelled when readers are to be sent away, from where on their leaving means nothing.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Starts a generation, or finds the one that the request's key stands for.</summary>
    /// <returns>The generation. Its stream exists, and its job is on the queue.</returns>
    /// <exception cref="RequestException">The model is unknown, the key is taken by another request, or the server is going down or full.</exception>
    public ValueTask<Started> StartAsync(GenerationRequest request, ClientProtocol protocol, StartOptions start)
    {
        // Apart, since a job's id finds its generation and a key must not.
        // What asks a client to allow calls is answered once: whoever says the same again joins.
        var name = request.Decided is [var decided, ..] ? ApprovalPrefix + decided.Answer
            : start.JobId is not null ? JobPrefix + start.JobId : start.IdempotencyKey is not null ? "key:" + start.IdempotencyKey : null;
        var id = GenerationId.New();
        // An answer to somebody else is no turn of a conversation.
        return name is not null ? StartOnceAsync(request, protocol, start, id, name)
            : start.CacheFor is { } maxAge && request.Conversation is null ? StartCachedAsync(request, protocol, start, id, maxAge)
            : CreateAsync(request, protocol, start, id, claim: null);
    }

    private async ValueTask<Started> StartOnceAsync(GenerationRequest request, ClientProtocol protocol, StartOptions start, string id, string name)
    {
        var key = IdempotencyKeys.Hash(start.Owner, name);
        // Gemini's address says which model, and whether to stream. A conversation has gone on when its turn is sent again.
        var bodyHash = IdempotencyKeys.Hash([.. System.Text.Encoding.UTF8.GetBytes($"{request.Protocol}\0{request.Model}\0{request.Stream}\0"), .. (request.Conversation?.Body ?? request.Body).Span]);
        Func<string, ValueTask<bool>> stands = request.Decided.Count > 0 ? catalog.StoodAsync : catalog.StandsAsync;
        return await _keys.ClaimAsync(key, mine: null, stands) is { } claim
            ? await JoinAsync(claim, bodyHash, request, start)
            : await CreateAsync(request, protocol, start, id, new Claim(new KeyClaim(id, bodyHash), mine => _keys.ClaimAsync(key, mine, stands)));
    }

    private async ValueTask<Started> StartCachedAsync(GenerationRequest request, ClientProtocol protocol, StartOptions start, string id, TimeSpan maxAge)
    {
        var key = AnswerCache.KeyOf(request, router.NameOf(request.Model), start.Owner);
        return await _cache.ClaimAsync(key, mine: null, maxAge) is { } hit
            ? await JoinAsync(hit, key, request, start) with { Cache = CacheUse.Hit }
            : await CreateAsync(request, protocol, start, id, new Claim(new KeyClaim(id, key), mine => _cache.ClaimAsync(key, mine, maxAge)) { IsCache = true });
    }

    /// <summary>Finds a generation by its own id, an id that a protocol made of it, or the id of one of the owner's jobs; null for none.</summary>
    public async ValueTask<string?> ResolveAsync(string name, Owner owner) =>
        GenerationId.Parse(name) ?? await _keys.FindAsync(IdempotencyKeys.Hash(owner.Name, JobPrefix + name));

    /// <summary>Stops a generation wherever it runs, and waits for its ending to be stored; an ended one stays as it is.</summary>
    /// <returns>False when the owner has no such generation.</returns>
    public async ValueTask<bool> StopAsync(string id, Owner owner) => await catalog.GetInfoAsync(id, owner) is not null && await StopAsync(id, "requested");

    private async ValueTask<bool> StopAsync(string id, string reason)
    {
        while (true)
        {
            if (worker.Find(id) is { } generation)
            {
                generation.Stop(reason);
                await generation.Completion.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                if (!queue.SpansNodes) return true;
            }

            if (await log.GetAsync(GenerationPath.Of(id)) is not { } info) return false;
            if (info.Closed || !queue.SpansNodes || GenerationMetadata.TryRead(info.Metadata) is not { } metadata) return true;
            if (await recovery.TryEndAsync(info, id, metadata, GenerationRecovery.Ending.Stopped(reason)))
            {
                if (!metadata.KeepsRequest) await requests.DeleteAsync(id);
                return true;
            }

            await Task.Delay(_again * (1 + Random.Shared.NextDouble()), time);
        }
    }

    /// <summary>Stops a generation and removes all that is kept of it.</summary>
    /// <returns>False when the owner has no such generation.</returns>
    public async ValueTask<bool> DeleteAsync(string id, Owner owner)
    {
        if (await catalog.GetInfoAsync(id, owner) is not { } info || !await StopAsync(id, owner)) return false;
        if (GenerationMetadata.TryRead(info.Metadata)?.Conversation is { } conversation) await conversations.TrySettleAsync(conversation); // while it can be read
        await requests.DeleteAsync(id);
        await tools.ForgetAsync(id);
        return await log.DeleteAsync(GenerationPath.Of(id));
    }

    /// <summary>Ends what a crash left open, or goes on with it; and takes jobs. Called once, before the first request.</summary>
    public async Task RecoverAsync()
    {
        watchers.Abandoned = id => _ = StopAbandonedAsync(id);
        if (queue.SpansNodes) return; // what is open others may run, and the queue brings what nobody does
        var goOn = new List<GenerationRun>();
        var orphans = 0;
        await foreach (var info in log.ListAsync(GenerationPath.Prefix))
        {
            if (info.Closed) continue;
            var id = GenerationPath.IdOf(info.Path);
            if (GenerationMetadata.TryRead(info.Metadata) is not { } metadata)
            {
                GenerationLog.Unreadable(logger, id);
                continue;
            }

            orphans++;
            try
            {
                if (await recovery.RecoverAsync(info, id, metadata, ended: worker.Forget) is var (run, _)) goOn.Add(worker.Register(run));
            }
            catch (StreamStorageException e)
            {
                GenerationLog.RecoveryFailed(logger, id, e);
            }
        }

        foreach (var run in goOn) await queue.EnqueueAsync(new Job(run.Generation.Id) { Local = run });
        if (orphans > 0) GenerationLog.Recovered(logger, orphans, orphans - goOn.Count, goOn.Count);
    }

    /// <summary>
    /// Looks after what nodes that died have left. What a gateway accepted and had not enqueued is told by its age once nothing waits on
    /// the queue: a job that is there all the same is then there twice, and the second is dropped. What has ended and is not in its
    /// conversation yet would be lost once its stream is, should nobody come to the conversation before.
    /// </summary>
    public async Task SweepAsync()
    {
        if (_draining || (_sweptAt is not null && !queue.SpansNodes)) return; // a server that is alone has died before its start, or not at all
        try
        {
            var (now, since) = (time.GetUtcNow(), _sweptAt - _sweepOverlap);
            var enqueues = queue.SpansNodes && await queue.CountAsync() == 0;
            var unsettled = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var info in log.ListAsync(GenerationPath.Prefix))
            {
                if (info.Closed ? info.ClosedAt < since : !enqueues || info.Epoch > 1 || now - info.CreatedAt < _forgotten) continue;
                if (GenerationMetadata.TryRead(info.Metadata) is not { } metadata) continue;
                if (info.Closed && metadata.Conversation is { } conversation) unsettled.Add(conversation);
                if (info.Closed || !metadata.Queued) continue;
                var id = GenerationPath.IdOf(info.Path);
                await queue.EnqueueAsync(new Job(id));
                GenerationLog.EnqueuedAgain(logger, id);
            }

            foreach (var conversation in unsettled) await conversations.TrySettleAsync(conversation);
            _sweptAt = now;
        }
        catch (Exception e) when (e is StreamException or JobQueueException or ObjectDisposedException)
        {
            GenerationLog.NotSwept(logger, e);
        }
    }

    /// <summary>From now on every new request is told to come back later, and every reader is sent away.</summary>
    public void StopTaking()
    {
        _draining = true;
        // Subscribers are sent away next; a generation must not take that for their wish.
        watchers.Dispose();
        worker.StopTaking();
        _stopping.Cancel();
    }

    private async ValueTask<Started> JoinAsync(KeyClaim claim, string bodyHash, GenerationRequest request, StartOptions start)
    {
        if (claim.BodyHash != bodyHash)
        {
            if (request.Decided is [var decided, ..])
                throw new RequestException($"What the response '{decided.Answer}' asks was answered before, with another request: that stands.") { Status = 409, Param = decided.Path, Code = "already_decided" };
            throw IdempotencyKeys.Reused();
        }

        if (await log.GetAsync(GenerationPath.Of(claim.GenerationId)) is not { } info)
        {
            if (request.Decided is not [var done, ..]) return new Started(claim.GenerationId, null);
            throw new RequestException($"What the response '{done.Answer}' asks was answered before, by a response that was deleted: that stands.") { Status = 409, Param = done.Path, Code = "already_decided" };
        }

        await EnqueueAgainAsync(info, start.Priority);
        return new Started(claim.GenerationId, GenerationMetadata.Read(info.Metadata).Dropped);
    }

    /// <summary>The gateway that claimed the key may have died before it had enqueued; then whoever comes back would wait for nobody.</summary>
    private async ValueTask EnqueueAgainAsync(StreamInfo info, JobPriority priority)
    {
        if (!queue.SpansNodes || info.Closed || info.Epoch > 1) return;
        try
        {
            if (await queue.CountAsync() > 0) return; // it may be one of them
            var id = GenerationPath.IdOf(info.Path);
            await queue.EnqueueAsync(new Job(id) { Priority = priority });
            GenerationLog.EnqueuedAgain(logger, id);
        }
        catch (JobQueueException)
        {
            throw Unavailable();
        }
    }

    private async ValueTask<Started> CreateAsync(GenerationRequest request, ClientProtocol protocol, StartOptions start, string id, Claim? claim)
    {
        if (_draining)
            throw new RequestException("The server is shutting down. Try again.") { Status = 503, Code = "shutting_down", RetryAfter = TimeSpan.FromSeconds(1) };
        await CheckRoomAsync();
        var route = router.Route(request.Model);
        request = await _signatures.RestoreAsync(request, route, new Owner(start.Owner));
        ToolSet? offered = null;
        if (queue.SpansNodes) tools.Check(request); // the worker has them
        else (request, offered) = await tools.OfferAsync(request);
        request = HistoryWindow.Fit(await history.ApplyAsync(request, route));
        var attempts = new Attempts(request, route, options.Retry);
        Admitted? admitted = null;
        try
        {
            if (start.Payer is { } payer) admitted = await AdmitAsync(request, payer, id, route);
            return await CreateAsync(request, protocol, start, id, claim, attempts, offered, admitted);
        }
        catch (Exception e)
        {
            attempts.Abandon(); // or its target would wait for ever for what comes of it
            await limits.CancelAsync(id, admitted?.Terms);
            // What is being asked twice at once joins, whoever of the two was let in.
            if (e is RequestException { RateLimits: not null } or RequestException { Code: ConversationStore.LockedCode } && claim is not null && await claim.TakeAsync(null) is { } holder)
                return await JoinAsync(holder, claim.Mine.BodyHash, request, start) with { Cache = claim.IsCache ? CacheUse.Hit : CacheUse.None };
            throw;
        }
    }

    private async ValueTask<Admitted> AdmitAsync(GenerationRequest request, Payer payer, string id, Route route)
    {
        try
        {
            return await limits.AdmitAsync(id, payer, request, router.NameOf(request.Model), route.Targets.Select(t => t.Name));
        }
        catch (StreamStorageException e) when (e is not StreamUnreachableException) // which is told by who replies
        {
            throw NotStored(id, e);
        }
    }

    private async ValueTask<Started> CreateAsync(
        GenerationRequest request, ClientProtocol protocol, StartOptions start, string id, Claim? claim, Attempts attempts, ToolSet? offered, Admitted? admitted)
    {
        var asked = attempts.Current;
        var keeps = request.Store ?? options.OnCrash != CrashPolicy.Fail;
        var waits = offered?.NeedsApproval is true; // perhaps for longer than this server runs
        var metadata = new GenerationMetadata(protocol.Name, request.Stream, request.IncludeUsage, request.Choices, request.Model, asked.Target.Name)
        {
            Owner = start.Owner,
            GraceSeconds = start.OnDisconnect == DisconnectPolicy.Detach ? null : start.OnDisconnect.Grace.TotalSeconds,
            Dropped = asked.Dropped.Count == 0 ? null : asked.Dropped,
            Budget = request.Budget,
            Conversation = request.Conversation?.Id,
            Echo = request.Echo,
            Queued = queue.SpansNodes,
            KeepsRequest = queue.SpansNodes && keeps,
            InputEstimate = queue.SpansNodes ? UsageEstimate.Input(request) : null,
            TraceParent = start.TraceParent,
            Limits = admitted?.Terms,
        };
        IStreamWriter stream;
        KeyClaim? holder = null;
        try
        {
            if (keeps || waits || queue.SpansNodes) await requests.SaveAsync(id, request);
            // Before its turn, so that nobody finds a turn without a generation and takes it for one that came to nothing.
            stream = await log.CreateAsync(GenerationPath.Of(id), new StreamOptions { Metadata = metadata.ToBytes(), Retention = request.Store is false ? _unstored : null });
            if (request.Conversation is { } turn) await conversations.BeginAsync(turn, id);
            if (claim is not null) holder = await claim.TakeAsync(claim.Mine);
        }
        catch (Exception e)
        {
            // What decides an approval may have been noted though the store did not say so, and stays noted where its generation is gone.
            await WithdrawAsync(new Begun(id, request.Conversation) { Ends = request.Decided.Count > 0 ? metadata : null }, e);
            if (e is StreamStorageException refusal) throw NotStored(id, refusal);
            throw;
        }

        if (holder is not null && holder != claim!.Mine)
        {
            attempts.Abandon();
            await WithdrawAsync(new Begun(id, request.Conversation));
            await limits.CancelAsync(id, admitted?.Terms);
            return await JoinAsync(holder, claim.Mine.BodyHash, request, start) with { Cache = claim.IsCache ? CacheUse.Hit : CacheUse.None };
        }

        await EnqueueAsync(stream, id, request, protocol, metadata, attempts, offered, start);
        return new Started(id, metadata.Dropped) { Left = admitted?.Left, Trimmed = request.Trimmed?.Messages ?? 0, Cache = claim is { IsCache: true } ? CacheUse.Miss : CacheUse.None };
    }

    /// <summary>Takes back what was begun and nobody runs, so that nobody waits for its ending. Where the store does not let it, it is tried until it does.</summary>
    private async ValueTask WithdrawAsync(Begun begun, Exception? reason = null)
    {
        if (reason is not StreamException) begun = begun with { Ends = null }; // the store said all that it did
        if (reason is StreamUnreachableException || !await TryWithdrawAsync(begun)) _ = WithdrawLaterAsync(begun);
    }

    private async Task WithdrawLaterAsync(Begun begun)
    {
        do await ((Task)Task.Delay(_withdrawal, time, _stopping.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!_stopping.IsCancellationRequested && !await TryWithdrawAsync(begun)); // the next start finds what is left
    }

    private async Task<bool> TryWithdrawAsync(Begun begun)
    {
        try
        {
            if (begun.Turn is { } turn) await conversations.TryCancelAsync(turn.Id, begun.Id);
            if (begun.Ends is { } metadata) return await GiveUpAsync(begun.Id, metadata, GenerationErrors.Unreachable);
            await RemoveAsync(begun.Id);
            return true;
        }
        catch (StreamException e)
        {
            GenerationLog.NotWithdrawn(logger, begun.Id, _withdrawal, e);
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private ValueTask EnqueueAsync(
        IStreamWriter stream, string id, GenerationRequest request, ClientProtocol protocol, GenerationMetadata metadata, Attempts attempts, ToolSet? offered, StartOptions start)
    {
        if (!queue.SpansNodes)
        {
            var run = worker.New(stream, id, request, protocol, time.GetUtcNow(), metadata, attempts, offered, start.OnDisconnect);
            return queue.EnqueueAsync(new Job(id) { Priority = start.Priority, Local = run });
        }

        attempts.Abandon(); // the worker draws its own
        return EnqueueAsync(id, request, metadata, start);
    }

    private async ValueTask EnqueueAsync(string id, GenerationRequest request, GenerationMetadata metadata, StartOptions start)
    {
        try
        {
            await queue.EnqueueAsync(new Job(id) { Priority = start.Priority });
            _ = limits.KeepAsync(id, metadata.Limits); // what is kept has not begun, so it may take its time
        }
        catch (JobQueueException e)
        {
            // A job that is on the queue all the same finds no open stream, and is dropped.
            GenerationLog.NotEnqueued(logger, id, e);
            if (metadata.Conversation is null && request.Decided.Count == 0 && start is { IdempotencyKey: null, JobId: null }) await WithdrawAsync(new Begun(id, Turn: null));
            else await GiveUpAsync(id, metadata, GenerationErrors.QueueUnavailable); // whoever joined meanwhile is to be told how it ended
            throw Unavailable();
        }
    }

    private async ValueTask<bool> GiveUpAsync(string id, GenerationMetadata metadata, GenerationError error)
    {
        var isOver = await log.GetAsync(GenerationPath.Of(id)) is not { } info || await recovery.TryEndAsync(info, id, metadata, GenerationRecovery.Ending.Failed(error), wasQueued: queue.SpansNodes);
        if (isOver && !metadata.KeepsRequest) await requests.DeleteAsync(id); // else a worker has it after all
        return isOver;
    }

    private RequestException NotStored(string id, StreamStorageException e)
    {
        GenerationLog.StoreFailed(logger, id, e);
        var error = GenerationErrors.From(e);
        return new RequestException(error.Message) { Status = error.Status, Code = error.Code, RetryAfter = error.RetryAfter };
    }

    private static RequestException Unavailable()
    {
        var error = GenerationErrors.QueueUnavailable;
        return new RequestException(error.Message) { Status = error.Status, Code = error.Code, RetryAfter = error.RetryAfter };
    }

    private async ValueTask RemoveAsync(string id)
    {
        await log.DeleteAsync(GenerationPath.Of(id));
        await requests.DeleteAsync(id);
    }

    private ValueTask CheckRoomAsync()
    {
        if (queue.SpansNodes) return CheckQueueAsync();
        if (Running < options.MaxRunning) return default;
        throw new RequestException("The server runs as many generations as it may. Try again shortly.") { Status = 503, Code = "overloaded", RetryAfter = TimeSpan.FromSeconds(2) };
    }

    private async ValueTask CheckQueueAsync()
    {
        try
        {
            if (options.WaitsWhenFull || await queue.CountAsync() < options.MaxQueued) return;
        }
        catch (JobQueueException)
        {
            return; // enqueuing has the last word
        }

        throw new RequestException("Too many requests wait to be answered. Try again shortly.") { Status = 429, Code = "queue_full", RetryAfter = TimeSpan.FromSeconds(5) };
    }

    private async Task StopAbandonedAsync(string id)
    {
        try
        {
            if (!await log.IsWatchedElsewhereAsync(GenerationPath.Of(id))) await StopAsync(id, "disconnected");
        }
        catch (Exception e) when (e is StreamException or ObjectDisposedException)
        {
            GenerationLog.NotStopped(logger, id, e); // its worker looks, too
        }
    }

    /// <summary>What there is of a generation that nobody is going to run.</summary>
    private sealed record Begun(string Id, ConversationTurn? Turn)
    {
        /// <summary>Its metadata where it is to end as failed, and so to be told from one that was deleted; null where nothing is to be left of it.</summary>
        public GenerationMetadata? Ends { get; init; }
    }

    /// <summary>What a new generation wants to be found by, and how it gets it; given null, how to look who has it.</summary>
    private sealed record Claim(KeyClaim Mine, Func<KeyClaim?, ValueTask<KeyClaim?>> TakeAsync)
    {
        public bool IsCache { get; init; }
    }
}
