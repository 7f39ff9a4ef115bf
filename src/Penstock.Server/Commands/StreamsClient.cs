using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Penstock.AspNetCore.Endpoints.DurableStreams;

namespace Penstock.Server.Commands;

/// <summary>What the operator's commands ask of a server.</summary>
internal sealed class StreamsClient(Uri server, string? key, string? owner) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };

    public async Task<JsonDocument> ListAsync(string prefix, int? limit = null)
    {
        using var reply = await SendAsync(HttpMethod.Get, $"v1/streams?prefix={Uri.EscapeDataString(prefix)}{(limit is null ? "" : $"&limit={limit}")}");
        return JsonDocument.Parse(await reply.Content.ReadAsByteArrayAsync());
    }

    /// <summary>Copies what a stream holds from an offset on.</summary>
    public async Task ReadAsync(string path, string offset, Stream output)
    {
        using var reply = await SendAsync(HttpMethod.Get, $"{Address(path)}?offset={Uri.EscapeDataString(offset)}");
        await WriteAsync(reply, output);
    }

    /// <summary>Copies what comes, until the stream is closed.</summary>
    public async Task FollowAsync(string path, string offset, Stream output)
    {
        while (true)
        {
            using var reply = await SendAsync(HttpMethod.Get, $"{Address(path)}?live=long-poll&offset={Uri.EscapeDataString(offset)}");
            await WriteAsync(reply, output);
            if (reply.Headers.Contains(StreamHeader.Closed)) return;
            offset = reply.Headers.GetValues(StreamHeader.NextOffset).First();
        }
    }

    public async Task DeleteAsync(string path) => (await SendAsync(HttpMethod.Delete, Address(path))).Dispose();

    /// <summary>What was used between two times, one JSON object a line.</summary>
    public async Task<StreamReader> ReadUsageAsync(string since, string until)
    {
        var reply = await SendAsync(HttpMethod.Get, $"v1/usage?since={since}&until={until}");
        return new StreamReader(await reply.Content.ReadAsStreamAsync());
    }

    public void Dispose() => _http.Dispose();

    private static string Address(string path) => StreamAddress.Root.TrimStart('/') + string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string address)
    {
        if (owner is not null) address += $"{(address.Contains('?', StringComparison.Ordinal) ? '&' : '?')}owner={Uri.EscapeDataString(owner)}";
        using var request = new HttpRequestMessage(method, address);
        if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var reply = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (reply.IsSuccessStatusCode) return reply;
        using (reply) throw new CommandException(Explain(reply.StatusCode, await reply.Content.ReadAsByteArrayAsync()), ExitCodes.OfStatus((int)reply.StatusCode));
    }

    private static string Explain(HttpStatusCode status, byte[] body)
    {
        try
        {
            using var error = JsonDocument.Parse(body);
            return error.RootElement.GetProperty("error").GetProperty("message").GetString()!;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"The server answered {(int)status}.";
        }
    }

    private static async Task WriteAsync(HttpResponseMessage reply, Stream output)
    {
        if (reply.Content.Headers.ContentType?.MediaType == "application/json") WriteLines(await reply.Content.ReadAsByteArrayAsync(), output);
        else await reply.Content.CopyToAsync(output);
        await output.FlushAsync();
    }

    private static void WriteLines(byte[] array, Stream output)
    {
        var reader = new Utf8JsonReader(array, new JsonReaderOptions { MaxDepth = 1024 });
        if (!reader.Read()) return; // nothing came
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            output.Write(array.AsSpan(start..(int)reader.BytesConsumed));
            output.WriteByte((byte)'\n');
        }
    }
}
