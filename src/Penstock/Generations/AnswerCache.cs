using System.Text;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>
/// Answers that serve for the same request again. A request is a key made of all that it says: its claim finds the generation
/// that answers it, ended or still running, and whoever asks again is one more cursor on that log. So a thousand that ask at
/// once are one call to the provider.
/// </summary>
internal sealed class AnswerCache(IStreamLog log, GenerationCatalog catalog, TimeProvider time)
{
    private readonly IdempotencyKeys _claims = new(log, Timeout.InfiniteTimeSpan, "cache/");

    /// <summary>The key of a request: its owner, the protocol and model it is asked in, and its body, however that is written.</summary>
    public static string KeyOf(GenerationRequest request, string model, string? owner)
    {
        var text = new StringBuilder($"{request.Protocol}\0{model}\0{request.Stream}\0");
        foreach (var (name, value) in request.Headers) text.Append(name).Append('\0').Append(value).Append('\0');
        return IdempotencyKeys.Hash(owner, text.Append(CanonicalJson.Write(request.Body)).ToString());
    }

    /// <summary>Lets a generation answer the request for so long, unless another one does already; given null, only looks.</summary>
    /// <returns>Whose answer it is; null for nobody's.</returns>
    public ValueTask<KeyClaim?> ClaimAsync(string key, KeyClaim? mine, TimeSpan maxAge) =>
        _claims.ClaimAsync(key, mine, id => ServesAsync(id, maxAge), time.GetUtcNow() + maxAge);

    private async ValueTask<bool> ServesAsync(string id, TimeSpan maxAge) =>
        await log.GetAsync(GenerationPath.Of(id)) is { } info && info.CreatedAt + maxAge > time.GetUtcNow() && (!info.Closed || await catalog.IsFinishedAsync(info));
}
