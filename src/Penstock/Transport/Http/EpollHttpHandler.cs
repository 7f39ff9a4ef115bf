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

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (request.Version != HttpVersion.Version11) throw new NotSupportedException("Only HTTP/1.1 is spoken here.");
        var body = request.Content switch
        {
            null => default,
            RequestContent known => known.Body,
            var other => await other.ReadAsByteArrayAsync(cancellationToken),
        };
        var target = TargetOf(request.RequestUri!);
        while (true)
        {
            var kept = target.Pool.TryTake();
            var connection = kept ?? await target.Pool.ConnectAsync(cancellationToken);
            if (await connection.SendAsync(request, target, body, isReused: kept is not null, cancellationToken) is { } reply) return reply;
        }
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
