using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Configuration;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>PUT: creates a stream, with its first events if the request has some, or confirms that it is there as asked.</summary>
internal sealed class CreateStream(IStreamLog log, StreamQuota quota, PenstockOptions options, TimeProvider time)
{
    private const string DefaultContentType = "application/octet-stream";

    private const int MaxContentType = 256;

    // Another request may be creating the stream right now; it takes a write to the disk.
    private const int Attempts = 100;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);

    /// <returns>The stream as it is now, and where its own events begin if it is new.</returns>
    public async Task<(StreamInfo Info, long? Begins)> HandleAsync(HttpContext context, StreamName name)
    {
        var request = context.Request;
        var fork = ForkRequest.Read(request.Headers);
        var lifetime = StreamLifetime.Read(request.Headers);
        var isClosed = DurableStreamsEndpoints.AsksToClose(request);
        var contentType = request.ContentType;
        if (contentType?.Length > MaxContentType) throw new RequestException($"The Content-Type is longer than {MaxContentType} characters, and is kept as long as the stream; send a shorter one.") { Code = "invalid_content_type" };
        var source = fork is null ? null : await FindSourceAsync(new StreamName(fork.Source, name.Owner));
        if (source is not null)
        {
            var origin = StreamMetadata.Of(source);
            if (contentType is not null && !origin.Takes(contentType))
                throw Conflict("content_type_mismatch", $"The stream to fork holds {origin.ContentType}, not {contentType}.");
            contentType ??= origin.ContentType;
            if (lifetime == default) lifetime = new(origin.TimeToLive, origin.ExpiresAt);
        }

        var metadata = new StreamMetadata(contentType ?? DefaultContentType, lifetime.TimeToLive, lifetime.ExpiresAt, fork?.Source, fork?.Offset, fork?.SubOffset ?? 0) { Owner = name.Owner.Name };
        using var events = new StreamBatch();
        var beginning = source is null ? null : await fork!.ResolveAsync(log, source, StreamMetadata.Of(source).IsJson, events);
        await StreamBody.ReadAsync(context, metadata, events, options.Limits.MaxBodyBytes);

        for (var attempt = 0; ; attempt++)
        {
            if (await name.FindAsync(log) is { } existing) return (Confirm(existing, metadata, isClosed), null);
            using var room = await quota.TakeAsync(name, streams: 1, events.Bytes.Length);
            try
            {
                var created = await log.CreateSharedAsync(
                    name.LogPath,
                    new SharedStreamOptions { Metadata = metadata.ToBytes(), TimeToLive = lifetime.Span, ExpiresAt = lifetime.End, Fork = beginning, Closed = isClosed },
                    events.Count == 0 ? null : events);
                room?.Keep();
                context.Response.StatusCode = StatusCodes.Status201Created;
                context.Response.Headers.Location = StreamAddress.UrlOf(request, name.Path);
                return (created, beginning?.Offset ?? 0);
            }
            catch (StreamExistsException) when (attempt < Attempts)
            {
                await Task.Delay(_pause, time, context.RequestAborted);
            }
            catch (StreamGoneException)
            {
                throw DurableStreamsEndpoints.NotFound();
            }
        }
    }

    private static StreamInfo Confirm(StreamInfo existing, StreamMetadata asked, bool isClosed)
    {
        if (existing.KeptForForks) throw Conflict("stream_deleted", "The stream was deleted, but forks of it live, so its path is taken.");
        if (!StreamMetadata.Of(existing).Matches(asked) || existing.Closed != isClosed)
            throw Conflict("stream_exists", "The stream is there already, created otherwise than this request asks.");
        return existing;
    }

    private async ValueTask<StreamInfo> FindSourceAsync(StreamName source)
    {
        if (StreamAddress.IsGeneration(source.Path)) throw Conflict("not_forkable", "A generation cannot be forked.");
        var info = await source.FindAsync(log) ?? throw DurableStreamsEndpoints.NotFound();
        return info.KeptForForks ? throw Conflict("stream_deleted", "The stream to fork was deleted.") : info;
    }

    private static RequestException Conflict(string code, string message) => new(message) { Status = StatusCodes.Status409Conflict, Code = code };
}
