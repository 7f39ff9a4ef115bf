using System.Net;
using System.Text.Json.Nodes;

namespace Penstock.Testing;

/// <summary>The requests that tests send to a server, in one place.</summary>
public sealed class Api(Uri server)
{
    public Uri Url(string path) => new(server, path);

    public RawRequest Get(string path) => new(Url(path));

    public RawRequest Post(string path, JsonNode body) => RawRequest.Post(Url(path), body.ToJsonString());

    /// <summary>A streaming Chat Completions request.</summary>
    public RawRequest Chat(string model, string prompt = "Say something.", bool stream = true) => Post("v1/chat/completions", new JsonObject
    {
        ["model"] = model,
        ["stream"] = stream,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
    });

    /// <summary>A Messages request.</summary>
    public RawRequest Messages(string model, string prompt = "Say something.", bool stream = true) => Post("v1/messages", new JsonObject
    {
        ["model"] = model,
        ["max_tokens"] = 1024,
        ["stream"] = stream,
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
    });

    /// <summary>A native request.</summary>
    public RawRequest Native(string model, string prompt = "Say something.", bool stream = false) =>
        Post("v1/generations", new JsonObject { ["model"] = model, ["prompt"] = prompt, ["stream"] = stream });

    public RawRequest Events(string generation) => Get($"v1/generations/{generation}/events");

    public RawRequest ChatStream(string model, string prompt = "Say something.") =>
        Get($"chat/stream?prompt={Uri.EscapeDataString(prompt)}&model={Uri.EscapeDataString(model)}");

    /// <summary>Starts a native generation and returns its id.</summary>
    public async Task<string> StartAsync(string model, string prompt = "Say something.")
    {
        var (status, body) = await SendAsync(Native(model, prompt));
        return status == HttpStatusCode.Created ? (string)body!["id"]! : throw new InvalidOperationException($"{status}: {body}");
    }

    /// <summary>Sends a request and reads its JSON reply.</summary>
    public static async Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request).WaitAsync(Eventually.Limit);
        var text = await reply.TextAsync();
        return ((HttpStatusCode)reply.Status, text.Length == 0 ? null : JsonNode.Parse(text));
    }

    /// <summary>Sends a request and reads its reply as it is.</summary>
    public static async Task<(HttpStatusCode Status, string Body)> SendTextAsync(RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request).WaitAsync(Eventually.Limit);
        return ((HttpStatusCode)reply.Status, await reply.TextAsync());
    }

    public async Task<JsonNode> SnapshotAsync(string generation)
    {
        var (status, body) = await SendAsync(Get($"v1/generations/{generation}"));
        return status == HttpStatusCode.OK ? body! : throw new InvalidOperationException($"{status}: {body}");
    }

    /// <summary>Waits until the generation has ended, and returns its snapshot.</summary>
    public async Task<JsonNode> EndedAsync(string generation)
    {
        JsonNode? snapshot = null;
        await Eventually.Is(
            async () => (string?)(snapshot = await SnapshotAsync(generation))["status"] is "finished" or "stopped" or "failed" or "interrupted",
            $"{generation} ends");
        return snapshot!;
    }

    public async Task<(HttpStatusCode Status, JsonNode? Body)> StopAsync(string generation) =>
        await SendAsync(Post($"v1/generations/{generation}/stop", new JsonObject()));
}
