using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Penstock.Client.Http;

namespace Penstock.Client;

/// <summary>Penstock's own API: start, attach, look at, list and stop generations. Safe to use from many threads.</summary>
public sealed class PenstockClient : IDisposable
{
    private readonly HttpClient? _own;

    /// <summary>A client with connections of its own.</summary>
    /// <exception cref="ArgumentException">The options are wrong; the message says which.</exception>
    public PenstockClient(PenstockClientOptions? options = null)
        : this(NewHttp(), options) => _own = Server.Http;

    /// <summary>A client over an <see cref="HttpClient"/> of yours, which should set no <see cref="HttpClient.Timeout"/>: a silent connection is noticed here.</summary>
    /// <exception cref="ArgumentException">The options are wrong; the message says which.</exception>
    public PenstockClient(HttpClient http, PenstockClientOptions? options = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        options ??= new PenstockClientOptions();
        if (options.Fault is { } fault) throw new ArgumentException(fault, nameof(options));
        Server = new ServerConnection(http, options, time ?? TimeProvider.System);
    }

    internal ServerConnection Server { get; }

    /// <summary>Starts a generation for a plain prompt.</summary>
    public Task<PenstockRun> StartAsync(string prompt, string? model = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(prompt);
        var body = new JsonObject { ["prompt"] = prompt };
        if (model is not null) body["model"] = model;
        return StartAsync(body, cancellationToken: cancellationToken);
    }

    /// <summary>Starts a generation, which goes on whatever becomes of this client. It is started once, however often the request has to be sent.</summary>
    /// <param name="body">What docs/native.md describes: a Chat Completions body with <c>prompt</c> in place of <c>messages</c> where you like. It is not changed.</param>
    /// <param name="idempotencyKey">The same key and body give the same generation. One is made up without it.</param>
    /// <param name="cancellationToken">Gives up asking; a generation that was started by then goes on.</param>
    /// <exception cref="PenstockException">The server refused it, or could not be reached in several tries.</exception>
    public async Task<PenstockRun> StartAsync(JsonObject body, string? idempotencyKey = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(body);
        var sent = (JsonObject)body.DeepClone();
        sent["stream"] = false; // the id comes at once, so that nothing is lost from here on
        if (Server.Options.DefaultModel is { } model && !sent.ContainsKey("model")) sent["model"] = model;
        var request = new ServerRequest(HttpMethod.Post, "v1/generations")
        {
            Body = sent.ToJsonString(),
            IdempotencyKey = idempotencyKey ?? Guid.NewGuid().ToString("N"),
        };
        var begun = await Server.AskAsync(request, ClientJson.Default.GenerationSnapshot, cancellationToken);
        return new PenstockRun(this, begun.Id, -1) { Begun = begun };
    }

    /// <summary>Goes on with a generation that runs, or reads one that has ended. Asks nothing yet.</summary>
    /// <param name="id">The generation's id, or that of the last event that you have.</param>
    /// <param name="after">Begin after this offset.</param>
    public PenstockRun Attach(string id, long after = -1)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentOutOfRangeException.ThrowIfLessThan(after, -1);
        // A job's name may hold dots.
        var dot = id.StartsWith("gen_", StringComparison.Ordinal) ? id.IndexOf('.', StringComparison.Ordinal) : -1;
        if (dot < 0) return new PenstockRun(this, id, after);
        return long.TryParse(id.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? new PenstockRun(this, id[..dot], Math.Max(offset, after))
            : throw new ArgumentException($"'{id}' is neither a generation's id nor that of an event.", nameof(id));
    }

    /// <summary>What there is of a generation by now.</summary>
    public Task<GenerationSnapshot> GetAsync(string id, CancellationToken cancellationToken = default) =>
        Server.AskAsync(new ServerRequest(HttpMethod.Get, PathOf(id)), ClientJson.Default.GenerationSnapshot, cancellationToken);

    /// <summary>The caller's generations, the newest first.</summary>
    /// <param name="status">Only those of this <see cref="GenerationSnapshot.Status"/>.</param>
    /// <param name="limit">At most so many, up to 100.</param>
    /// <param name="cancellationToken">Gives up asking.</param>
    public async Task<IReadOnlyList<GenerationSnapshot>> ListAsync(string? status = null, int limit = 20, CancellationToken cancellationToken = default)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"v1/generations?limit={limit}");
        if (status is not null) path += $"&status={Uri.EscapeDataString(status)}";
        return (await Server.AskAsync(new ServerRequest(HttpMethod.Get, path), ClientJson.Default.GenerationList, cancellationToken)).Data;
    }

    /// <summary>Ends a generation, for all who watch it. One that has ended stays as it is.</summary>
    public Task<GenerationSnapshot> StopAsync(string id, CancellationToken cancellationToken = default) => StopAsync(id, ServerConnection.Tries, cancellationToken);

    /// <summary>The same server as an <see cref="IChatClient"/>.</summary>
    public IChatClient AsChatClient() => new PenstockChatClient(this);

    public void Dispose() => _own?.Dispose();

    internal Task<GenerationSnapshot> StopAsync(string id, int tries, CancellationToken cancellationToken) =>
        Server.AskAsync(new ServerRequest(HttpMethod.Post, $"{PathOf(id)}/stop"), ClientJson.Default.GenerationSnapshot, cancellationToken, tries);

    internal static string PathOf(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return $"v1/generations/{Uri.EscapeDataString(id)}";
    }

    private static HttpClient NewHttp() => new(new SocketsHttpHandler { PooledConnectionLifetime = ServerConnection.ConnectionLifetime }) { Timeout = Timeout.InfiniteTimeSpan };
}
