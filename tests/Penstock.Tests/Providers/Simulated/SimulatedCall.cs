using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Penstock.Providers.Simulated;
using Penstock.Sse;

namespace Penstock.Tests.Providers.Simulated;

/// <summary>Asks the simulated provider as a client beneath HttpClient would, and reads what it answers.</summary>
internal static class SimulatedCall
{
    public const string Fast = "tps=0&ttft=0";

    public static Task<HttpResponseMessage> SendAsync(string body, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        var client = new HttpMessageInvoker(new SimulatedHandler(time ?? TimeProvider.System));
        var request = new HttpRequestMessage(HttpMethod.Post, "http://simulated/chat/completions")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        return client.SendAsync(request, cancellationToken);
    }

    /// <summary>A request's body; <paramref name="more"/> are further members, <c>"n":2</c>.</summary>
    public static string Body(string model, string prompt = "Why is the sky blue?", string more = "\"stream\":true")
    {
        var body = JsonNode.Parse("{" + more + "}")!.AsObject();
        body["model"] = model;
        body["messages"] ??= new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt });
        return body.ToJsonString();
    }

    public static async Task<SimulatedReply> StreamAsync(string model, string prompt = "Why is the sky blue?", string more = "\"stream\":true")
    {
        using var response = await SendAsync(Body(model, prompt, more));
        response.IsSuccessStatusCode.ShouldBeTrue();
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        return await SimulatedReply.ReadAsync(await response.Content.ReadAsStreamAsync());
    }

    public static async Task<JsonElement> DocumentAsync(string model, string prompt = "Why is the sky blue?", string more = "\"stream\":false")
    {
        using var response = await SendAsync(Body(model, prompt, more));
        return JsonElement.Parse(await response.Content.ReadAsStringAsync());
    }
}

/// <summary>A streamed answer, read to its end.</summary>
internal sealed class SimulatedReply
{
    /// <summary>The payload of each frame, [DONE] left out.</summary>
    public List<JsonElement> Payloads { get; } = [];

    public bool Done { get; private set; }

    /// <summary>What broke the connection, if anything did.</summary>
    public IOException? Broken { get; private set; }

    public List<JsonElement> Deltas => [.. Choices(0).Select(c => c.GetProperty("delta"))];

    public List<string> Tokens => [.. Strings("content").Where(t => t.Length > 0)];

    public string Text => string.Concat(Strings("content"));

    public string Reasoning => string.Concat(Strings("reasoning_content"));

    public string? Finish => Choices(0).Select(c => c.GetProperty("finish_reason").GetString()).LastOrDefault(f => f is not null);

    public JsonElement? Usage => Payloads.Where(p => p.TryGetProperty("usage", out var u) && u.ValueKind == JsonValueKind.Object)
        .Select(p => (JsonElement?)p.GetProperty("usage")).LastOrDefault();

    public List<(string Id, string Name, List<string> Arguments)> Calls
    {
        get
        {
            var calls = new List<(string Id, string Name, List<string> Arguments)>();
            foreach (var call in Deltas.Where(d => d.TryGetProperty("tool_calls", out _)).SelectMany(d => d.GetProperty("tool_calls").EnumerateArray()))
            {
                var function = call.GetProperty("function");
                if (call.TryGetProperty("id", out var id)) calls.Add((id.GetString()!, function.GetProperty("name").GetString()!, []));
                calls[call.GetProperty("index").GetInt32()].Arguments.Add(function.GetProperty("arguments").GetString()!);
            }

            return calls;
        }
    }

    public IEnumerable<JsonElement> Choices(int index) => Payloads
        .Where(p => p.TryGetProperty("choices", out _))
        .SelectMany(p => p.GetProperty("choices").EnumerateArray())
        .Where(c => c.GetProperty("index").GetInt32() == index);

    public static async Task<SimulatedReply> ReadAsync(Stream body, CancellationToken cancellationToken = default)
    {
        var reply = new SimulatedReply();
        using var reader = new SseReader(32 * 1024 * 1024);
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0) reply.Take(reader, buffer.AsSpan(0, read));
        }
        catch (IOException e)
        {
            reply.Broken = e;
        }

        return reply;
    }

    private void Take(SseReader reader, ReadOnlySpan<byte> bytes)
    {
        while (reader.TryRead(ref bytes, out var frame))
        {
            Done.ShouldBeFalse("nothing may follow [DONE]");
            if (frame.Data.SequenceEqual("[DONE]"u8)) Done = true;
            else Payloads.Add(JsonElement.Parse(frame.Data));
        }
    }

    private IEnumerable<string> Strings(string name) => Deltas
        .Where(d => d.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String)
        .Select(d => d.GetProperty(name).GetString()!);
}
