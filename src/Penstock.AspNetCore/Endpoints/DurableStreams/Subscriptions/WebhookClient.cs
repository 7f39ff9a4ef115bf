using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Penstock.Transport;

namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>Delivers webhooks.</summary>
internal sealed class WebhookClient : IDisposable
{
    private const int LongestReply = 64 << 10;

    private readonly HttpClient _http;
    private readonly TimeProvider _time;

    public WebhookClient(IHostEnvironment environment, TimeProvider time)
    {
        _time = time;
        IsDevelopment = environment.IsDevelopment();
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false, // a redirect could lead to where a webhook must not go
            UseProxy = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            ConnectCallback = (connect, cancellationToken) => WebhookUrl.ConnectAsync(connect.DnsEndPoint, IsDevelopment, cancellationToken),
        };
        _http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(10), MaxResponseContentBufferSize = LongestReply };
    }

    public bool IsDevelopment { get; }

    /// <summary>Sends one.</summary>
    /// <returns>Whether its receiver took it, and whether it is done with it; null when the delivery failed.</returns>
    public async Task<bool?> SendAsync(string url, WebhookBody body, WebhookKey key)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, SubscriptionJson.Default.WebhookBody);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(bytes) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Webhook-Signature", key.Sign(_time.GetUtcNow(), bytes));
        try
        {
            using var reply = await _http.SendAsync(request);
            if (!reply.IsSuccessStatusCode) return null;
            return IsDone(await reply.Content.ReadAsByteArrayAsync());
        }
        catch (Exception e) when (NetworkFailure.Is(e) || e is OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _http.Dispose();

    private static bool IsDone(byte[] reply)
    {
        try
        {
            return reply.Length > 0 && JsonSerializer.Deserialize(reply, SubscriptionJson.Default.WebhookReply) is { Done: true };
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
