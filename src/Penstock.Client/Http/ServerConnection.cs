using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Penstock.Client.Http;

/// <summary>One request, which may have to be sent several times.</summary>
internal sealed record ServerRequest(HttpMethod Method, string Path)
{
    public string? Body { get; init; }

    public string? IdempotencyKey { get; init; }
}

/// <summary>Sends requests to the server.</summary>
internal sealed class ServerConnection(HttpClient http, PenstockClientOptions options, TimeProvider time)
{
    /// <summary>Connections are replaced by new ones now and then, so that a change in the DNS is seen.</summary>
    public static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    public const int Tries = 6;

    private readonly Uri _base = new(options.BaseAddress.AbsoluteUri.TrimEnd('/') + "/");

    public HttpClient Http => http;

    public PenstockClientOptions Options => options;

    public TimeProvider Time => time;

    public Uri BaseAddress => _base;

    /// <summary>Sends it once, and returns once the headers of a good reply are there.</summary>
    /// <exception cref="PenstockException">The server was not reached, was silent, or refused.</exception>
    public async Task<HttpResponseMessage> SendAsync(ServerRequest request, SilenceLimit silence)
    {
        using var message = new HttpRequestMessage(request.Method, new Uri(_base, request.Path)) { Version = http.DefaultRequestVersion, VersionPolicy = http.DefaultVersionPolicy };
        if (options.ApiKey is { } key) message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (request.IdempotencyKey is { } idempotencyKey) message.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        if (request.Body is { } body) message.Content = new StringContent(body, Encoding.UTF8, "application/json");
        var reply = await silence.WithinAsync(token => new ValueTask<HttpResponseMessage>(http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, token)));
        if (reply.IsSuccessStatusCode) return reply;
        using (reply) throw await ServerErrors.ReadAsync(reply, time, silence);
    }

    /// <summary>Sends a request that is safe to repeat until it has a whole answer that is no passing failure, a few times.</summary>
    public async Task<T> AskAsync<T>(ServerRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken, int tries = Tries)
    {
        for (var failures = 1; ; failures++)
        {
            PenstockException error;
            try
            {
                using var silence = new SilenceLimit(this, cancellationToken);
                using var reply = await SendAsync(request, silence);
                var bytes = await silence.WithinAsync(token => new ValueTask<byte[]>(reply.Content.ReadAsByteArrayAsync(token)));
                return JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("It is null.");
            }
            catch (JsonException e)
            {
                throw new PenstockException("malformed_reply", $"What answers at {_base} is no Penstock server.", 406, e);
            }
            catch (PenstockException e)
            {
                // Whoever asks for too much decides when to ask again.
                if (!e.IsRetryable || e.Status == 429 || failures >= tries) throw;
                error = e;
            }

            await Task.Delay(Backoff.After(failures, error.RetryAfter), time, cancellationToken);
        }
    }
}
