using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Penstock.RabbitMQ;

/// <summary>
/// A connection to the broker and a channel on it, opened when they are needed and again when they are lost. The client's own
/// recovery knows neither a first connection that fails nor a channel that the broker closes, so it is off.
/// </summary>
internal sealed class RabbitMqLink(ConnectionFactory factory, string name, RabbitMqTopology topology, bool confirms, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan _lastWords = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _gate = new(1);
    private IConnection? _connection;
    private volatile IChannel? _channel;
    private bool _isDisposed;

    public bool IsOpen => _channel is { IsOpen: true };

    /// <summary>What the client throws where the broker is away, or goes away.</summary>
    public static bool IsAway(Exception e) =>
        e is RabbitMQClientException or IOException or System.Net.Sockets.SocketException or TimeoutException or ObjectDisposedException;

    /// <summary>The open channel, with all queues declared.</summary>
    /// <exception cref="Exception">As <see cref="IsAway"/> knows it: the broker cannot be reached.</exception>
    public async ValueTask<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        if (_channel is { IsOpen: true } open) return open;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_channel is { IsOpen: true } opened) return opened;
            await DropAsync();
            var connection = await factory.CreateConnectionAsync(name, cancellationToken);
            _connection = connection;
            var options = new CreateChannelOptions(confirms, confirms, outstandingPublisherConfirmationsRateLimiter: null);
            var channel = await connection.CreateChannelAsync(options, cancellationToken);
            await topology.DeclareAsync(channel, cancellationToken);
            _channel = channel;
            RabbitMqLog.Connected(logger, name, factory.Endpoint.HostName, factory.Endpoint.Port);
            return channel;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Gives the connection up, in whatever state it is; the next use opens another one.</summary>
    public async ValueTask ResetAsync()
    {
        await _gate.WaitAsync();
        try
        {
            await DropAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        _isDisposed = true;
        try
        {
            await DropAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    private async ValueTask DropAsync()
    {
        _channel = null;
        if (_connection is not { } connection) return;
        _connection = null;
        try
        {
            await connection.CloseAsync(_lastWords);
        }
        catch (Exception e) when (IsAway(e) || e is OperationCanceledException)
        {
            // It was away already.
        }

        await connection.DisposeAsync();
    }
}
