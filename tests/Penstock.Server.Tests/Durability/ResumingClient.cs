using System.Net.Sockets;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary>A client of some protocol that comes back with its last id, and without one with its key, until it has an ending.</summary>
/// <param name="api">The server, or what stands before several.</param>
/// <param name="kind">The protocol.</param>
/// <param name="model">The model.</param>
/// <param name="prompt">The prompt.</param>
/// <param name="key">Its idempotency key.</param>
/// <param name="silence">After how long without a byte it takes the connection for dead; null for never.</param>
internal sealed class ResumingClient(Api api, ClientKind kind, string model, string prompt, string key, TimeSpan? silence = null)
{
    public ClientKind Kind => kind;

    public string Prompt => prompt;

    /// <summary>What it has now: a reset takes back what came before.</summary>
    public List<SseEvent> Events { get; } = [];

    public string Generation { get; private set; } = "";

    /// <summary>How many times it was told that what it had was void.</summary>
    public int Resets { get; private set; }

    /// <summary>How many times it came back with an id.</summary>
    public int Resumes { get; private set; }

    public string Text => string.Concat(Events.Select(kind.Text));

    /// <summary>Whether the last event says that the answer is whole.</summary>
    public bool IsWhole => Events.Count > 0 && kind.Whole(Events[^1]);

    public async Task RunAsync()
    {
        var lastId = "";
        while (true)
        {
            try
            {
                var request = kind.Request(api, model, prompt).With("Idempotency-Key", key);
                using var client = await SseClient.OpenAsync(lastId.Length > 0 ? request.With("Last-Event-ID", lastId) : request);
                if (client.Reply.Status == 204) return;
                if (client.Reply.Status == 409)
                {
                    (await client.Reply.TextAsync()).ShouldContain("begun anew");
                    lastId = Forget();
                    continue;
                }

                if (client.Reply.Status is 200 or 201)
                {
                    if (Events.Count > 0) client.Generation.ShouldBe(Generation);
                    Generation = client.Generation;
                    if (lastId.Length > 0) Resumes++;
                    var (patience, heard) = (silence ?? Timeout.InfiniteTimeSpan, 0L);
                    using var deaf = new Timer(_ =>
                    {
                        if (Interlocked.Exchange(ref heard, client.BytesRead) == client.BytesRead) client.Cut();
                    }, null, patience, patience);
                    while (await client.NextAsync() is { } e)
                    {
                        if (e.Name == "reset") Forget();
                        else Events.Add(e);
                        if (client.LastEventId.Length > 0) lastId = client.LastEventId; // a ping has none, and is no reason to forget
                        if (e.Name != "reset" && kind.Ends(e)) return;
                    }
                }
                else if (client.Reply.Status is not (502 or 503 or 504)) // what a proxy says where nobody is behind it
                {
                    throw new InvalidOperationException($"{kind.Name}: {client.Reply.Status}: {await client.Reply.TextAsync()}");
                }
            }
            catch (Exception e) when (e is IOException or SocketException or TimeoutException)
            {
                // Killed, cut or frozen, or not up again.
            }

            await Task.Delay(20);
        }
    }

    private string Forget()
    {
        Events.Clear();
        Resets++;
        return "";
    }
}

/// <summary>A protocol as a plain client speaks it.</summary>
internal sealed record ClientKind(string Name, Func<Api, string, string, RawRequest> Request, Func<SseEvent, string> Text, Func<SseEvent, bool> Whole, Func<SseEvent, bool> Failed)
{
    public static readonly ClientKind[] All =
    [
        new("native", (api, model, prompt) => api.Native(model, prompt, stream: true), e => e.Name == "delta" ? (string)e.Json()["text"]! : "", e => e.Name == "finished", e => e.Name is "failed" or "interrupted"),
        new("chat-completions", (api, model, prompt) => api.Chat(model, prompt), e => View.ChatText([e]), View.IsDone, View.IsChatEnding),
        new("messages", (api, model, prompt) => api.Messages(model, prompt), e => e.Name == "content_block_delta" ? (string?)e.Json()["delta"]!["text"] ?? "" : "", e => e.Name == "message_stop", e => e.Name == "error"),
        new("responses", (api, model, prompt) => api.Post("v1/responses", new JsonObject { ["model"] = model, ["stream"] = true, ["input"] = prompt }),
            e => e.Name == "response.output_text.delta" ? (string)e.Json()["delta"]! : "", e => e.Name == "response.completed", e => e.Name == "response.failed"),
        new("gemini", (api, model, prompt) => api.Post($"v1beta/models/{Uri.EscapeDataString(model)}:streamGenerateContent?alt=sse",
                new JsonObject { ["contents"] = new JsonArray(new JsonObject { ["role"] = "user", ["parts"] = new JsonArray(new JsonObject { ["text"] = prompt }) }) }),
            e => string.Concat(Parts(e).Select(p => (string?)p!["text"])), e => Candidate(e)?["finishReason"] is not null, e => e.Json()["error"] is not null),
        new("text", (api, model, prompt) => api.Post("query/stream", new JsonObject { ["prompt"] = prompt, ["model"] = model }),
            e => e.Name == "message" && !View.IsDone(e) ? e.Data : "", View.IsDone, e => e.Name == "error"),
    ];

    public bool Ends(SseEvent e) => Whole(e) || Failed(e);

    public override string ToString() => Name;

    private static JsonNode? Candidate(SseEvent e) => e.Json()["candidates"]?.AsArray().FirstOrDefault();

    private static IEnumerable<JsonNode?> Parts(SseEvent e) => Candidate(e)?["content"]?["parts"]?.AsArray() ?? [];
}
