using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Replies;
using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints;

/// <summary><c>/v1/usage</c>: what generations that have ended used, one JSON object a line, newest first.</summary>
internal sealed class UsageEndpoints(GenerationEndpoint endpoint, GenerationCatalog catalog, ReplyOptions replies)
{
    private const int FlushSize = 32 * 1024;

    public void Map(IEndpointRouteBuilder routes) =>
        routes.Map("/v1/usage", Surface.Generations, ("GET", context => endpoint.HandleAsync(context, ClientProtocols.Native, () => WriteAsync(context))));

    private async Task WriteAsync(HttpContext context)
    {
        var since = TimeOf(context, "since") ?? DateTimeOffset.MinValue;
        var until = TimeOf(context, "until") ?? DateTimeOffset.MaxValue;
        context.Response.ContentType = "application/x-ndjson";
        context.Response.Headers.CacheControl = "no-store";
        var output = context.Response.BodyWriter;
        var sending = new ReplyOutput(context, replies);
        using var looking = sending.LookNowAndThen();
        await foreach (var line in catalog.ListUsageAsync(since, until, Caller.Of(context).Owner))
        {
            output.Write(JsonSerializer.SerializeToUtf8Bytes(line, GenerationJson.Default.UsageLine));
            output.Write("\n"u8);
            if (output.UnflushedBytes > FlushSize) await sending.FlushAsync();
        }

        await sending.FlushAsync();
    }

    private static DateTimeOffset? TimeOf(HttpContext context, string name)
    {
        var text = context.Request.Query[name].ToString();
        if (text.Length == 0) return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new RequestException($"{name} is '{text}'; it must be a time like 2030-01-31T12:00:00Z.") { Param = name };
    }
}
