using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Protocols.Text;
using Penstock.Streams;
using Penstock.Telemetry;
using EventId = Penstock.Protocols.EventId;

namespace Penstock.AspNetCore.Endpoints;

/// <summary>What every endpoint that generates does: resume where a Last-Event-ID points, or else start, then reply.</summary>
internal sealed class GenerationEndpoint(
    GenerationService generations, GenerationCatalog catalog, ReplyOptions replies, CallerLimits limits, PenstockOptions options, ILogger<GenerationEndpoint> logger)
{
    public const string OnDisconnectHeader = "Penstock-On-Disconnect";

    /// <summary>Answers in the protocol; whatever goes wrong becomes an error in its shape.</summary>
    public async Task HandleAsync(HttpContext context, ClientProtocol protocol, Func<Task> handle)
    {
        try
        {
            await handle();
        }
        catch (RequestException e) when (e.Status == StatusCodes.Status503ServiceUnavailable && HttpMethods.IsGet(context.Request.Method))
        {
            await RetryLater.WriteAsync(context, generationId: null, replies.Time);
        }
        catch (RequestException e) when (e is { RateLimits: not null, RetryAfter: { } pause } && IsEventSource(context.Request))
        {
            await RetryLater.WriteAsync(context, generationId: null, replies.Time, atLeast: pause);
        }
        catch (RequestException e)
        {
            await ErrorReply.WriteAsync(context, protocol, e);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone, which is normal.
        }
        catch (StreamUnreachableException e)
        {
            EndpointLog.Unreachable(logger, context.Request.Path, e.Message);
            if (context.Response.HasStarted || context.Response.BodyWriter.UnflushedBytes > 0)
                context.Abort(); // a cut reply never looks complete
            else if (IsEventSource(context.Request))
                await RetryLater.WriteAsync(context, generationId: null, replies.Time); // a status would stop an EventSource for good
            else
                await ErrorReply.WriteAsync(context, protocol, ErrorReply.From(GenerationErrors.Unreachable));
        }
        catch (StreamStorageException e) when (!context.Response.HasStarted)
        {
            EndpointLog.Failed(logger, context.Request.Path, e);
            await ErrorReply.WriteAsync(context, protocol, ErrorReply.From(GenerationErrors.From(e)));
        }
        catch (BadHttpRequestException e)
        {
            await ErrorReply.WriteAsync(context, protocol, new RequestException("The request could not be read; it is malformed or was cut.") { Status = e.StatusCode });
        }
        catch (Exception e)
        {
            EndpointLog.Failed(logger, context.Request.Path, e);
            if (context.Response.HasStarted || context.Response.BodyWriter.UnflushedBytes > 0)
                context.Abort(); // a cut reply never looks complete
            else
                await ErrorReply.WriteAsync(context, protocol, ErrorReply.From(GenerationErrors.Internal));
        }
    }

    /// <summary>Starts the generation that a request asks for, or joins the one that its key stands for, and replies.</summary>
    public Task StartAsync(HttpContext context, ClientProtocol protocol, EventView view, GenerationRequest request, DisconnectPolicy onDisconnect)
    {
        request.Headers = HeadersFor(context, protocol);
        // Not async, so that the request does not live as long as its reply.
        var start = generations.StartAsync(request, protocol, OptionsOf(context, request, onDisconnect));
        return ReplyAsync(context, protocol, view, start, request.Stream);
    }

    /// <summary>How the request wants its generation started, and for whom.</summary>
    /// <exception cref="RequestException">403: the caller may not ask for that model.</exception>
    public StartOptions OptionsOf(HttpContext context, GenerationRequest request, DisconnectPolicy onDisconnect)
    {
        CheckModel(context, request.Model);
        var header = context.Request.Headers[OnDisconnectHeader].ToString();
        return new StartOptions
        {
            OnDisconnect = request.OnDisconnect is { } words ? DisconnectPolicy.Parse(words, options.Generations.Grace, "onDisconnect")
                : header.Length > 0 ? DisconnectPolicy.Parse(header, options.Generations.Grace, OnDisconnectHeader)
                : onDisconnect,
            Owner = Caller.Of(context).Owner.Name,
            Priority = Caller.Of(context).Priority,
            Payer = limits.PayerOf(Caller.Of(context)),
            IdempotencyKey = KeyOf(context),
            JobId = request.JobId,
            CacheFor = CacheHeader.Read(context, options),
            TraceParent = GenerationTelemetry.TraceParentOf(context.Request.Headers.TraceParent),
        };
    }

    /// <summary>Counts a request that starts no generation, and costs work all the same.</summary>
    /// <exception cref="RequestException">429: the caller has sent too many.</exception>
    public Task CountAsync(HttpContext context) => limits.CountAsync(context, Caller.Of(context));

    /// <summary>Answers how many tokens a request has: in the words of the provider where it counted in the client's protocol.</summary>
    /// <param name="context">The request.</param>
    /// <param name="protocol">The client's.</param>
    /// <param name="request">What is to be counted.</param>
    /// <param name="counter">Counts.</param>
    /// <param name="body">Says the number in the client's protocol.</param>
    public async Task CountTokensAsync(HttpContext context, ClientProtocol protocol, GenerationRequest request, TokenCounter counter, Func<long, string> body)
    {
        CheckModel(context, request.Model);
        await CountAsync(context);
        request.Headers = HeadersFor(context, protocol);
        var count = await counter.CountAsync(request, context.RequestAborted);
        if (count.IsEstimate) context.Response.Headers[StreamHeaders.Estimated] = "true";
        context.Response.ContentType = protocol.ContentType;
        await context.Response.WriteAsync(count.Body ?? body(count.Tokens), context.RequestAborted);
    }

    /// <summary>The models on offer that the caller may ask for.</summary>
    public IReadOnlyList<string> ModelsFor(HttpContext context)
    {
        var caller = Caller.Of(context);
        return caller.Models.Count == 0 ? generations.Models : [.. generations.Models.Where(model => MayAsk(caller, model))];
    }

    /// <exception cref="RequestException">403: the caller may not ask for that model, whether or not there is one.</exception>
    public void CheckModel(HttpContext context, string? model)
    {
        var caller = Caller.Of(context);
        if (caller.Models.Count > 0 && !MayAsk(caller, model))
            throw new RequestException($"This key may not ask for the model '{model}': it is for {string.Join(", ", caller.Models)}.") { Status = 403, Param = "model", Code = "model_not_allowed" };
    }

    /// <summary>Replies with the rest of the stream that the request's Last-Event-ID names.</summary>
    /// <returns>False when the request has no such header.</returns>
    public async ValueTask<bool> TryResumeAsync(HttpContext context, ClientProtocol protocol)
    {
        var header = context.Request.Headers["Last-Event-ID"].ToString();
        if (header.Length == 0) return false;
        if (!EventId.TryParse(header, out var seen) || GenerationId.Parse(seen.Generation) is not { } id)
            throw new RequestException("The Last-Event-ID is not one that this server gave. Send it back as it came, or leave it out to ask anew.") { Code = "invalid_last_event_id" };
        var info = await catalog.GetInfoAsync(id, Caller.Of(context).Owner) ?? throw NotFound();
        await ResumeAsync(context, protocol, OriginOf(info, id, protocol), id, info, seen);
        return true;
    }

    /// <summary>Replies with a generation's events after those that a client has seen.</summary>
    public async Task ResumeAsync(HttpContext context, ClientProtocol protocol, EventView view, string id, StreamInfo info, EventId seen)
    {
        CheckPosition(info, seen);
        if (seen.InSnapshot) throw new RequestException("This id stands within a snapshot: come back with it to the address that it is from.") { Code = "invalid_last_event_id" };
        var next = seen.Part > 0 ? seen.Offset : seen.Offset + 1;
        if (info.Closed && next == info.NextOffset)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent; // tells EventSource to stop for good
            return;
        }

        if (view != EventView.Native && !protocol.SaysReset && next < await catalog.FirstValidAsync(id))
            throw ErrorReply.From(GenerationErrors.BegunAnew);
        var subscription = await catalog.SubscribeAsync(id, next) ?? throw NotFound();
        using var reply = new EventStreamReply(context, protocol, view, subscription, seen.Part, asked: false, replies);
        await reply.RunAsync();
    }

    /// <exception cref="RequestException">The stream does not go so far.</exception>
    public static void CheckPosition(StreamInfo info, EventId seen)
    {
        if (seen.Offset >= info.NextOffset)
            throw new RequestException($"The position {seen.Offset} is after the stream's last event.") { Code = "invalid_last_event_id" };
    }

    public static RequestException NotFound() => new("There is no such generation: it never was, was deleted, or its retention has ended.")
    {
        Status = 404,
        Code = "generation_not_found",
    };

    private async Task ReplyAsync(HttpContext context, ClientProtocol protocol, EventView view, ValueTask<Started> start, bool stream)
    {
        var subscription = await SubscribeAsync(context, protocol, view, start); // apart, so that what it takes does not live as long as the reply
        if (stream)
        {
            using var reply = new EventStreamReply(context, protocol, view, subscription, skip: 0, asked: true, replies)
            {
                FindQueued = protocol.Announcement.IsEmpty ? null : catalog.FindQueuedAsync,
            };
            await reply.RunAsync();
        }
        else
        {
            using (subscription) await DocumentReply.WriteAsync(context, protocol, subscription, replies);
        }
    }

    private async ValueTask<Subscription> SubscribeAsync(HttpContext context, ClientProtocol protocol, EventView view, ValueTask<Started> start)
    {
        var started = await start;
        WriteHeaders(context, protocol, started);
        var id = started.Id;
        // What a reset made void is not shown to those who could not be told to clear it.
        var from = view != EventView.Native && !protocol.SaysReset ? await catalog.FirstValidAsync(id) : 0;
        var subscription = await catalog.SubscribeAsync(id, from) ?? throw NotFound();
        // Plain text says no usage, and may say anything.
        subscription.IsFromCache = started.Cache == CacheUse.Hit && (view == EventView.Native || protocol is not TextProtocol);
        subscription.IsPaced = started.Cache == CacheUse.Hit && CacheHeader.IsPaced(context.Request);
        return subscription;
    }

    /// <summary>Says in headers what a generation was started with.</summary>
    public void WriteHeaders(HttpContext context, ClientProtocol protocol, Started started)
    {
        StreamHeaders.WriteStarted(context.Response, started);
        if (started.Left is { } left) RateLimitReply.WriteHeaders(context.Response, protocol, left, replies.Time.GetUtcNow());
    }

    // A status would stop it for good.
    private static bool IsEventSource(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && request.Headers.Accept.ToString().Contains(StreamHeaders.EventStream, StringComparison.OrdinalIgnoreCase);

    /// <summary>The client's headers that go on to a provider of the same protocol.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> HeadersFor(HttpContext context, ClientProtocol protocol)
    {
        if (protocol.ProviderHeaders.Count == 0) return [];
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var name in protocol.ProviderHeaders)
        {
            foreach (var value in context.Request.Headers[name])
            {
                if (!string.IsNullOrEmpty(value)) headers.Add(new(name, value));
            }
        }

        return headers;
    }

    private bool MayAsk(Caller caller, string? model)
    {
        try
        {
            return caller.MayAsk(generations.NameOf(model));
        }
        catch (RequestException)
        {
            return false; // nobody answers for that name, which it need not learn
        }
    }

    /// <summary>The key that the request has among its owner's; null for none.</summary>
    public static string? KeyOf(HttpContext context)
    {
        var key = context.Request.Headers["Idempotency-Key"].ToString();
        if (key.Length > 255) throw new RequestException("The Idempotency-Key is longer than 255 characters.") { Code = "invalid_idempotency_key" };
        return key.Length == 0 ? null : key;
    }

    // The frames in the log are those of the protocol that asked.
    private static EventView OriginOf(StreamInfo info, string id, ClientProtocol protocol)
    {
        var metadata = GenerationMetadata.Read(info.Metadata);
        if (metadata.Protocol == protocol.Name && metadata.Stream) return EventView.Origin;
        throw new RequestException($"This generation was asked for through another protocol, or not as a stream. Read it at /v1/generations/{id}/events.") { Status = 409, Code = "other_protocol" };
    }
}
