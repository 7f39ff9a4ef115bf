using System.Collections.Concurrent;
using System.Net;
using System.Net.Http;

namespace Penstock.Transport.Http;

/// <summary>
/// HTTP/1.1 on the loops: what SocketsHttpHandler does for a provider's streams, with nothing left for the collector by a read
/// that waits, and no buffer while it does. It knows no proxies, cookies, redirects, compression, or HTTP/2.
/// </summary>
internal sealed class EpollHttpHandler(EpollLoops loops, HttpPoolOptions options, TimeProvider time) : HttpMessageHandler
{
    private readonly ConcurrentDictionary<HttpOrigin, ConnectionPool> _pools = new();
    private RequestTarget? _last;

    /// <summary>Whether this may be used for an address: not where a proxy is to be asked.</summary>
    public static bool CanReach(Uri address) => EpollLoops.Shared is not null && HttpClient.DefaultProxy.GetProxy(address) is null;

    /// <summary>How many idle connections are kept.</summary>
    public int Idle => _pools.Values.Sum(pool => pool.Idle);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled<HttpResponseMessage>(cancellationToken);
        if (request.Version != HttpVersion.Version11) throw new NotSupportedException("Only HTTP/1.1 is spoken here.");
        return request.Content switch
        {
            null => SendAsync(request, body: default, cancellationToken),
            RequestContent known => SendAsync(request, known.Body, cancellationToken),
            var other => ReadAndSendAsync(request, other, cancellationToken),
        };
    }

    private async Task<HttpResponseMessage> ReadAndSendAsync(HttpRequestMessage request, HttpContent content, CancellationToken cancellationToken) =>
        await SendAsync(request, await content.ReadAsByteArrayAsync(cancellationToken), cancellationToken);

    // Not async where a kept connection takes it, as mostly: the first token waits for whoever waits.
    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var target = TargetOf(request.RequestUri!);
        while (target.Pool.TryTake() is { } kept)
        {
            if (kept.TrySend(request, target, body, cancellationToken, out var sending)) return kept.ReceiveAsync(request, sending, cancellationToken);
        }

        return ConnectAndSendAsync(request, target, body, cancellationToken);
    }

    private static async Task<HttpResponseMessage> ConnectAndSendAsync(HttpRequestMessage request, RequestTarget target, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var connection = await target.Pool.ConnectAsync(cancellationToken);
        return await connection.ReceiveAsync(request, connection.SendAsync(request, target, body, cancellationToken), cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var pool in _pools.Values) pool.Dispose();
        }

        base.Dispose(disposing);
    }

    // A provider has one address for most of what it is asked, and the same object for it.
    private RequestTarget TargetOf(Uri address)
    {
        if (_last is { } last && ReferenceEquals(last.Address, address)) return last;
        var origin = HttpOrigin.Of(address);
        if (!_pools.TryGetValue(origin, out var pool)) pool = _pools.GetOrAdd(origin, new ConnectionPool(new EpollConnector(loops), origin, options, time));
        return _last = new RequestTarget(address, pool);
    }
}
