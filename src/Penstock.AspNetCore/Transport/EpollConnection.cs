using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Penstock.Transport;

namespace Penstock.AspNetCore.Transport;

/// <summary>A client's connection, as Kestrel wants it. As with the framework's own sockets, a client that ends its side has gone.</summary>
internal sealed class EpollConnection : ConnectionContext, IDuplexPipe,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature, IMemoryPoolFeature
{
    private readonly EpollSocket _socket;
    private readonly ILogger _logger;
    private readonly EpollPipeReader _input;
    private readonly EpollPipeWriter _output;
    private readonly CancellationTokenSource _closed = new();
    private IDictionary<object, object?>? _items;
    private IDuplexPipe? _transport;
    private string? _id;
    private int _isClosed;

    public EpollConnection(EpollSocket socket, MemoryPool<byte> pool, EndPoint? local, EndPoint? remote, ILogger logger)
    {
        _socket = socket;
        _logger = logger;
        _input = new EpollPipeReader(socket);
        _output = new EpollPipeWriter(socket);
        socket.PeerClosed = FireClosed;
        MemoryPool = pool;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        ConnectionClosed = _closed.Token;
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
    }

    public override string ConnectionId
    {
        get => _id ??= ConnectionIds.Next();
        set => _id = value;
    }

    public override IFeatureCollection Features { get; } = new ConnectionFeatures();

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _transport ?? this;
        set => _transport = value;
    }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public MemoryPool<byte> MemoryPool { get; }

    PipeReader IDuplexPipe.Input => _input;

    PipeWriter IDuplexPipe.Output => _output;

    public override void Abort(ConnectionAbortedException abortReason)
    {
        _input.Abort(abortReason);
        _socket.Close(reset: true);
        FireClosed();
    }

    public override async ValueTask DisposeAsync()
    {
        _input.Complete();
        _output.Complete();
        await _output.Sent;
        _socket.Close();
        FireClosed();
    }

    // On the thread pool: what is registered with the token may do anything.
    private void FireClosed()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.CancelClosed(), this, preferLocal: false);
    }

    private void CancelClosed()
    {
        try
        {
            _closed.Cancel();
        }
        catch (Exception e)
        {
            TransportLog.ClosingFailed(_logger, ConnectionId, e);
        }
    }
}

/// <summary>Names connections for logs.</summary>
internal static class ConnectionIds
{
    private static long _last = DateTime.UtcNow.Ticks;

    public static string Next() => Interlocked.Increment(ref _last).ToString("X16", System.Globalization.CultureInfo.InvariantCulture);
}
