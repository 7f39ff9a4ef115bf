using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary><c>GET /v1/streams</c>: which streams the caller has, the newest first; for an operator, all of them.</summary>
internal sealed class ListStreams(IStreamLog log, ReplyOptions replies)
{
    public const string Address = "/v1/streams";

    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    public async Task HandleAsync(HttpContext context)
    {
        var prefix = context.Request.Query["prefix"].ToString();
        var limitText = context.Request.Query["limit"].ToString();
        var limit = DefaultLimit;
        if (limitText.Length > 0 && (!int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxLimit))
            throw new RequestException($"limit is '{limitText}'; it must be a number from 1 to {MaxLimit}.") { Param = "limit" };

        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        var sending = new ReplyOutput(context, replies);
        using var looking = sending.LookNowAndThen();
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        var owner = Caller.Of(context).Owner;
        var count = 0;
        await foreach (var info in log.ListAsync())
        {
            if (StreamName.PathOf(info, owner) is not { } path || !path.StartsWith(prefix, StringComparison.Ordinal)) continue;
            Write(json, path, info, owner);
            if (++count == limit) break;
            await json.FlushAsync(context.RequestAborted);
            await sending.FlushAsync();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string path, StreamInfo info, Owner owner)
    {
        json.WriteStartObject();
        json.WriteString("path"u8, path);
        json.WriteString("contentType"u8, StreamMetadata.Of(info).ContentType);
        if (owner.SeesAll) json.WriteString("owner"u8, info.Shared ? StreamMetadata.Of(info).Owner : GenerationMetadata.TryRead(info.Metadata)?.Owner);
        json.WriteNumber("events"u8, info.NextOffset);
        json.WriteString("nextOffset"u8, StreamOffset.Format(info.NextOffset));
        json.WriteBoolean("closed"u8, info.Closed);
        json.WriteString("createdAt"u8, info.CreatedAt);
        if (info.ExpiresAt is { } end) json.WriteString("expiresAt"u8, end);
        json.WriteEndObject();
    }
}
