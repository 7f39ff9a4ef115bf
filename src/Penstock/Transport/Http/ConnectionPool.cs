using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Penstock.Transport.Http;

/// <summary>The connections to one origin: those that are idle are kept for the next request, the latest used first.</summary>
internal sealed class ConnectionPool : IDisposable
{
    private static readonly List<SslApplicationProtocol> _http11 = [SslApplicationProtocol.Http11];

    private readonly EpollConnector _connector;
    private readonly HttpOrigin _origin;
    private readonly HttpPoolOptions _options;
    private readonly List<HttpConnection> _idle = [];
    private readonly ITimer _timer;
    private bool _isTimed;
    private bool _disposed;

    public ConnectionPool(EpollConnector connector, HttpOrigin origin, HttpPoolOptions options, TimeProvider time)
    {
        _connector = connector;
        _origin = origin;
        _options = options;
        Time = time;
        _timer = time.CreateTimer(static pool => ((ConnectionPool)pool!).Clear(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public TimeProvider Time { get; }

    /// <summary>How many connections are kept.</summary>
    public int Idle
    {
        get
        {
            lock (_idle) return _idle.Count;
        }
    }

    /// <summary>A kept connection that is still good, or null.</summary>
    public HttpConnection? TryTake()
    {
        while (true)
        {
            HttpConnection connection;
            lock (_idle)
            {
                if (_idle.Count == 0) return null;
                connection = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }

            if (!IsOld(connection) && connection.IsUsable) return connection;
            connection.Close();
        }
    }

    /// <summary>Keeps a connection that has done its work.</summary>
    public void Return(HttpConnection connection)
    {
        connection.IdleSince = Time.GetTimestamp();
        lock (_idle)
        {
            if (!_disposed && !IsOld(connection))
            {
                _idle.Add(connection);
                if (!_isTimed) _isTimed = _timer.Change(Interval, Interval);
                return;
            }
        }

        connection.Close();
    }

    /// <exception cref="HttpRequestException">Nobody took the connection.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, or (with a <see cref="TimeoutException"/> in it) it took too long.</exception>
    public async Task<HttpConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.ConnectTimeout, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        EpollStream? transport = null;
        try
        {
            transport = await _connector.ConnectAsync(new DnsEndPoint(_origin.Host, _origin.Port), either.Token);
            var stream = _origin.IsTls ? await SecureAsync(transport, either.Token) : transport;
            return new HttpConnection(this, transport, stream, Time.GetTimestamp());
        }
        catch (Exception e)
        {
            transport?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            throw e switch
            {
                OperationCanceledException => new TaskCanceledException("The connection could not be opened in time.", new TimeoutException()),
                SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } =>
                    new HttpRequestException(HttpRequestError.NameResolutionError, "The provider's host has no address.", e),
                SocketException => new HttpRequestException(HttpRequestError.ConnectionError, "The connection could not be opened.", e),
                _ => new HttpRequestException(HttpRequestError.SecureConnectionError, "The TLS connection could not be opened.", e),
            };
        }
    }

    public void Dispose()
    {
        lock (_idle) _disposed = true;
        _timer.Dispose();
        while (TryTake() is { } connection) connection.Close();
    }

    // Seldom, and often enough that nothing is kept much longer than it should be.
    private TimeSpan Interval => TimeSpan.FromTicks(Math.Max(_options.IdleTimeout.Ticks / 4, TimeSpan.TicksPerSecond));

    private async Task<Stream> SecureAsync(EpollStream transport, CancellationToken cancellationToken)
    {
        var tls = new SslStream(transport);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = _origin.Host,
                ApplicationProtocols = _http11,
                RemoteCertificateValidationCallback = _options.CertificateValidation,
            },
            cancellationToken);
        return tls;
    }

    private bool IsOld(HttpConnection connection) =>
        Time.GetElapsedTime(connection.IdleSince) >= _options.IdleTimeout || Time.GetElapsedTime(connection.OpenedAt) >= _options.Lifetime;

    /// <summary>Lets go of connections that are old, or that their peers have closed.</summary>
    private void Clear()
    {
        HttpConnection[] idle;
        lock (_idle) idle = [.. _idle];
        var bad = idle.Where(connection => IsOld(connection) || !connection.IsUsable).ToHashSet(); // asks the kernel, so not within the lock
        var gone = new List<HttpConnection>();
        lock (_idle)
        {
            _idle.RemoveAll(connection =>
            {
                if (!bad.Contains(connection)) return false; // it came since, or is good
                gone.Add(connection);
                return true;
            });
            if (_idle.Count == 0 && !_disposed) _isTimed = !_timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        foreach (var connection in gone) connection.Close();
    }
}

/// <summary>How connections to an origin are made and kept.</summary>
internal sealed class HttpPoolOptions
{
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a connection is kept that nobody uses.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a connection is used: a name's address may change.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Who decides on the peer's certificate, instead of the platform.</summary>
    public RemoteCertificateValidationCallback? CertificateValidation { get; init; }
}
