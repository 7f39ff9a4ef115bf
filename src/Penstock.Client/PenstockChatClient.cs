using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Penstock.Client.Chat;

namespace Penstock.Client;

/// <summary>
/// Penstock as an <see cref="IChatClient"/>: an answer goes on by itself after whatever breaks the connection, each token once.
/// <see cref="ChatResponse.ResponseId"/> is the generation's id.
/// </summary>
/// <remarks>
/// Without <see cref="ChatOptions.AllowBackgroundResponses"/> to leave is to stop: a loop that is left or a call that is cancelled stops the
/// answer on the server, and a process that died has a minute to come back. With it the answer goes on; every update has a token, to go on
/// after it in another call, another process, another day, until the last, whose token is null.
/// </remarks>
public sealed class PenstockChatClient : IChatClient
{
    // A client that lives comes back in less; one that died does not keep the provider writing for nobody.
    private const string StopOnceLost = "grace 60";
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(2);

    private readonly PenstockClient _client;
    private readonly ChatClientMetadata _metadata;

    public PenstockChatClient(PenstockClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        _metadata = new ChatClientMetadata("penstock", client.Server.BaseAddress, client.Server.Options.DefaultModel);
    }

    /// <exception cref="PenstockException">It was refused, or failed; what it says tells whether to try again.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var call = await BeginAsync(messages, options, cancellationToken);
        if (call.IsBackground && !(await call.Run.GetAsync(cancellationToken)).HasEnded) return Pending(call);

        var updates = new List<ChatResponseUpdate>();
        var reader = call.NewUpdates(after: -1);
        await using var end = new StopUnlessEnded(call);
        await foreach (var next in call.ReadAsync(cancellationToken))
        {
            end.See(next);
            if (next is AttemptStarted { IsReset: true })
            {
                updates.Clear();
                reader = call.NewUpdates(after: -1);
            }

            if (reader.Read(next) is { } update) updates.Add(update);
        }

        var response = updates.ToChatResponse();
        response.ContinuationToken = null;
        return response;
    }

    /// <exception cref="PenstockException">It was refused, or failed; what it says tells whether to try again.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    /// <summary>Gives <see cref="ChatClientMetadata"/>, and <see cref="PenstockClient"/>, which stops, lists and attaches.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return _metadata;
        if (serviceType == typeof(PenstockClient)) return _client;
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing: the <see cref="PenstockClient"/> belongs to whoever made it.</summary>
    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var call = await BeginAsync(messages, options, cancellationToken);
        var reader = call.NewUpdates(call.After);
        await using var end = new StopUnlessEnded(call);
        await foreach (var next in call.ReadAsync(cancellationToken))
        {
            end.See(next);
            if (reader.Read(next) is { } update) yield return update;
        }
    }

    private async Task<ChatCall> BeginAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        if (options?.ContinuationToken is { } token)
        {
            var (id, after) = ContinuationTokens.Read(token);
            return new ChatCall(_client.Attach(id), after, IsBackground: true, options);
        }

        var isBackground = options?.AllowBackgroundResponses == true;
        var body = ChatRequest.Write(messages, options);
        if (!isBackground && !body.ContainsKey("onDisconnect")) body["onDisconnect"] = StopOnceLost;
        return new ChatCall(await _client.StartAsync(body, cancellationToken: cancellationToken), -1, isBackground, options);
    }

    private static ChatResponse Pending(ChatCall call) => new()
    {
        ResponseId = call.Run.Id,
        ModelId = call.Run.Begun?.Model,
        CreatedAt = call.Run.Begun?.CreatedAt,
        ContinuationToken = ContinuationTokens.Of(call.Run.Id),
    };

    private sealed record ChatCall(PenstockRun Run, long After, bool IsBackground, ChatOptions? Options)
    {
        public ChatUpdates NewUpdates(long after) => new(Run.Begun, after, IsBackground, Options?.Reasoning?.Output != ReasoningOutput.None);

        // From the beginning whatever its place: what stands before it says what the events after it belong to.
        public IAsyncEnumerable<PenstockEvent> ReadAsync(CancellationToken cancellationToken) => Run.ReadAsync(-1, cancellationToken);
    }

    private sealed class StopUnlessEnded(ChatCall call) : IAsyncDisposable
    {
        private bool _hasEnded = call.IsBackground;

        public void See(PenstockEvent next) => _hasEnded |= next.IsEnding;

        public async ValueTask DisposeAsync()
        {
            if (_hasEnded) return;
            try
            {
                using var limit = new CancellationTokenSource(_stopLimit);
                await call.Run.StopOnceAsync(limit.Token);
            }
            catch (Exception e) when (e is PenstockException or OperationCanceledException)
            {
                // It stops by itself once its grace is over.
            }
        }
    }
}
