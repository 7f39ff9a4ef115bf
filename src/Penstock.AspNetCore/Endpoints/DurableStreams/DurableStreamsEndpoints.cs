using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;
using Penstock.AspNetCore.Replies;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>
/// <c>/v1/stream/{path}</c>: the log as a public surface, by the Durable Streams protocol
/// (https://github.com/durable-streams/durable-streams/blob/main/PROTOCOL.md).
/// </summary>
internal sealed class DurableStreamsEndpoints(
    IStreamLog log, CreateStream create, AppendToStream append, ReadStream read, FollowStream follow, ListStreams list, StreamQuota quota,
    SubscriptionEndpoints subscriptionEndpoints, SubscriptionRegistry subscriptions, PenstockOptions options, ILogger<DurableStreamsEndpoints> logger)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (address, operation, surface, handler) in subscriptionEndpoints.Operations)
            routes.MapMethods(address, [operation], context => HandleAsync(context, handler)).WithMetadata(surface);
        const string Stream = StreamAddress.Root + "{**path}";
        Map("GET", context => GetAsync(context, NameOf(context))).WithMetadata(Surface.Streams with { TakesTicket = true });
        Map("HEAD", context => HeadAsync(context, NameOf(context))).WithMetadata(Surface.Streams);
        Map("PUT", context => PutAsync(context, WritableNameOf(context))).WithMetadata(Surface.Streams);
        routes.MapMethods(Stream, ["POST"], HandleAppendAsync).WithMetadata(Surface.Streams);
        Map("DELETE", context => DeleteAsync(context, WritableNameOf(context))).WithMetadata(Surface.Streams);
        routes.Map(Stream, context => HandleAsync(context, static context => throw NotAllowed(context, "GET, HEAD, PUT, POST, DELETE", "A stream takes GET, HEAD, PUT, POST and DELETE only."))).WithMetadata(Surface.Streams);
        routes.MapGet(ListStreams.Address, context => HandleAsync(context, list.HandleAsync)).WithMetadata(Surface.Streams);

        IEndpointConventionBuilder Map(string method, Func<HttpContext, Task> handle) => routes.MapMethods(Stream, [method], context => HandleAsync(context, handle));
    }

    public static bool AsksToClose(HttpRequest request) => string.Equals(request.Headers[StreamHeader.Closed], "true", StringComparison.OrdinalIgnoreCase);

    public static RequestException NotFound() => new("There is no such stream: it never was, was deleted, or has expired.")
    {
        Status = StatusCodes.Status404NotFound,
        Code = "stream_not_found",
    };

    public static RequestException Deleted() => new("The stream was deleted. Forks of it live, so its path stays taken.")
    {
        Status = StatusCodes.Status410Gone,
        Code = "stream_deleted",
    };

    private Task HandleAsync(HttpContext context, Func<HttpContext, Task> handle)
    {
        Protect(context.Response);
        return GuardAsync(context, handle);
    }

    // Whoever follows is sent what is appended before this returns, so that what is for the append's own reply comes after it.
    private Task HandleAppendAsync(HttpContext context)
    {
        var handled = PostAsync(context);
        return handled.IsCompletedSuccessfully ? handled : WhenHandledAsync(context, handled);
    }

    private Task WhenHandledAsync(HttpContext context, Task handled) => GuardAsync(context, _ => handled);

    private void Protect(HttpResponse response)
    {
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Cross-Origin-Resource-Policy"] = options.Cors.Origins.Count > 0 ? "cross-origin" : "same-origin";
    }

    private async Task GuardAsync(HttpContext context, Func<HttpContext, Task> handle)
    {
        try
        {
            await handle(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has gone, which is normal.
        }
        catch (RequestException e)
        {
            await WriteErrorAsync(context, e);
        }
        catch (StreamUnreachableException e)
        {
            EndpointLog.Unreachable(logger, context.Request.Path, e.Message);
            await WriteErrorAsync(context, new RequestException("The server's store does not answer; try again shortly.")
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                Code = "storage_unreachable",
                RetryAfter = TimeSpan.FromSeconds(5),
            });
        }
        catch (StreamStorageException e)
        {
            DurableStreamsLog.StoreFailed(logger, context.Request.Path, e);
            await WriteErrorAsync(context, new RequestException("The server cannot store more at the moment, or not in this stream.") { Status = StatusCodes.Status507InsufficientStorage, Code = "storage_full" });
        }
        catch (StreamCorruptException e)
        {
            DurableStreamsLog.Damaged(logger, context.Request.Path, e);
            await WriteErrorAsync(context, new RequestException("What is stored at this offset is damaged. Nothing of it is served; read on behind it.") { Status = StatusCodes.Status500InternalServerError, Code = "stream_damaged" });
        }
        catch (StreamGoneException)
        {
            await WriteErrorAsync(context, NotFound());
        }
        catch (BadHttpRequestException e)
        {
            await WriteErrorAsync(context, new RequestException("The request could not be read; it is malformed or was cut.") { Status = e.StatusCode });
        }
        catch (Exception e)
        {
            EndpointLog.Failed(logger, context.Request.Path, e);
            await WriteErrorAsync(context, new RequestException("The server failed; the request may be tried again.") { Status = StatusCodes.Status500InternalServerError, Code = "internal_error" });
        }
    }

    private static StreamName NameOf(HttpContext context)
    {
        var path = StreamAddress.Parse((string?)context.Request.RouteValues["path"]);
        return path.StartsWith(SubscriptionEndpoints.Prefix, StringComparison.Ordinal) ? throw NotFound() : new StreamName(path, StreamName.OwnerOf(context));
    }

    private static StreamName WritableNameOf(HttpContext context)
    {
        var name = NameOf(context);
        return StreamAddress.IsGeneration(name.Path) ? throw NotAllowed(context, "GET, HEAD", "A generation's stream is written by its generator alone; here it can be read.") : name;
    }

    private Task GetAsync(HttpContext context, StreamName name) => context.Request.Query["live"].ToString() switch
    {
        "" => read.CatchUpAsync(context, name),
        "long-poll" => read.LongPollAsync(context, name),
        "sse" => follow.HandleAsync(context, name),
        var live => throw new RequestException($"live is '{live}'; it must be long-poll or sse.") { Param = "live" },
    };

    private async Task PutAsync(HttpContext context, StreamName name)
    {
        var (info, begins) = await create.HandleAsync(context, name);
        Describe(context.Response, info);
        if (begins is not { } offset) return;
        await subscriptions.NoteCreateAsync(name, offset);
        await subscriptions.NoteAppendAsync(name, offset, info.NextOffset);
    }

    private async Task PostAsync(HttpContext context)
    {
        var name = WritableNameOf(context);
        var (before, after) = await append.HandleAsync(context, name);
        Protect(context.Response);
        await subscriptions.NoteAppendAsync(name, before, after);
    }

    private async Task HeadAsync(HttpContext context, StreamName name)
    {
        var info = await name.FindAsync(log) ?? throw NotFound();
        if (info.KeptForForks) throw Deleted();
        var metadata = Describe(context.Response, info);
        context.Response.Headers.CacheControl = "no-store";
        if (metadata.TimeToLive is { } seconds) context.Response.Headers[StreamHeader.TimeToLive] = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (metadata.ExpiresAt is { } time) context.Response.Headers[StreamHeader.ExpiresAt] = time;
    }

    private async Task DeleteAsync(HttpContext context, StreamName name)
    {
        if (await name.FindAsync(log) is { KeptForForks: true }) throw Deleted();
        if (!await log.DeleteAsync(name.LogPath)) throw NotFound();
        quota.Recount(name);
        await subscriptions.NoteDeleteAsync(name);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static StreamMetadata Describe(HttpResponse response, StreamInfo info)
    {
        var metadata = StreamMetadata.Of(info);
        response.ContentType = metadata.ContentType;
        response.Headers[StreamHeader.NextOffset] = StreamOffset.Format(info.NextOffset);
        if (info.Closed) response.Headers[StreamHeader.Closed] = "true";
        return metadata;
    }

    private static RequestException NotAllowed(HttpContext context, string allow, string message)
    {
        context.Response.Headers.Allow = allow;
        return new RequestException(message) { Status = StatusCodes.Status405MethodNotAllowed, Code = "method_not_allowed" };
    }

    private async Task WriteErrorAsync(HttpContext context, RequestException error)
    {
        var response = context.Response;
        if (response.HasStarted || response.BodyWriter.UnflushedBytes > 0)
        {
            context.Abort(); // a cut reply never looks complete
            return;
        }

        Protect(response);
        response.StatusCode = error.Status;
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        if (error.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = ErrorReply.Challenge;
        response.Headers.Remove("ETag");
        if (HttpMethods.IsHead(context.Request.Method)) return;
        ClientProtocols.Native.WriteError(error, response.BodyWriter);
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
