using System.Buffers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>Counts the tokens of a request: asks its provider where that speaks the same protocol and counts, else guesses.</summary>
internal sealed class TokenCounter(ModelRouter router)
{
    private const int MaxReply = 64 * 1024;

    // Where there is nobody who counts, as with many that are compatible, it is a guess as everywhere.
    private static readonly int[] _notThere = [404, 405, 501];

    /// <summary>Counts what a client asks to be counted.</summary>
    /// <exception cref="RequestException">The model is unknown, or the provider refused or failed.</exception>
    public Task<TokenCount> CountAsync(GenerationRequest request, CancellationToken cancellationToken) =>
        CountAsync(request, router.Route(request.Model).Draw()[0], isAnswer: false, cancellationToken);

    /// <summary>Counts a request for an answer.</summary>
    /// <param name="request">The request.</param>
    /// <param name="target">Who would be asked.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RequestException">The provider refused or failed.</exception>
    public Task<TokenCount> CountOfRequestAsync(GenerationRequest request, Target target, CancellationToken cancellationToken) =>
        CountAsync(request, target, isAnswer: true, cancellationToken);

    private static async Task<TokenCount> CountAsync(GenerationRequest request, Target target, bool isAnswer, CancellationToken cancellationToken)
    {
        var protocol = target.Provider.Protocol;
        if (protocol.Name != request.Protocol || protocol.CountTokensPath(target.Model) is not { } path) return new TokenCount(Estimate(request), Body: null);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(target.Provider.Options.FirstTokenTimeout);
        try
        {
            return await AskAsync(request, target, path, isAnswer, timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed(timeout.IsCancellationRequested ? ProviderErrors.Timeout : ProviderErrors.Unreachable);
        }
        catch (Exception e) when (e is HttpRequestException or SocketException)
        {
            throw Failed(ProviderErrors.Unreachable);
        }
    }

    private static async Task<TokenCount> AskAsync(GenerationRequest request, Target target, string path, bool isAnswer, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(request.Body.Length + 256);
        if (isAnswer) target.Provider.Protocol.WriteCountOfRequest(request, target.Model, body);
        else target.Provider.Protocol.WriteCountRequest(request, target.Model, body);
        using var response = await target.Provider.CountAsync(path, body.WrittenMemory, request.Headers, cancellationToken);
        await response.Content.LoadIntoBufferAsync(MaxReply, cancellationToken);
        if (_notThere.Contains((int)response.StatusCode)) return new TokenCount(Estimate(request), Body: null);
        var reply = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw Failed(target.Provider.Protocol.ReadError((int)response.StatusCode, reply, response.Headers.RetryAfter?.Delta));
        return JsonValue.IsWholeObject(reply) && JsonElement.Parse(reply).TryGetProperty(target.Provider.Protocol.TokenCountMember, out var tokens) && tokens.TryGetInt64(out var count)
            ? new TokenCount(count, Encoding.UTF8.GetString(reply))
            : throw Failed(ProviderErrors.Malformed);
    }

    private static long Estimate(GenerationRequest request) =>
        UsageEstimate.Input(request) + TokenEstimate.Of(request.Tools);

    private static RequestException Failed(GenerationError error) =>
        new(error.Message) { Status = error.Status, Code = error.Code, RetryAfter = error.RetryAfter };
}

/// <summary>How many tokens a request has.</summary>
/// <param name="Tokens">Their number.</param>
/// <param name="Body">The provider's own reply, or null where the number is a guess.</param>
internal readonly record struct TokenCount(long Tokens, string? Body)
{
    public bool IsEstimate => Body is null;
}
