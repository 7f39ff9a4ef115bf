using System.Net.Sockets;

namespace Penstock.Client.Http;

/// <summary>Gives up a wait in which the server gave no sign of life for longer than its heartbeat allows.</summary>
internal sealed class SilenceLimit : IDisposable
{
    // The server says its own with each stream; this is what it has unless it was set.
    private static readonly TimeSpan _usualHeartbeat = TimeSpan.FromSeconds(15);

    private readonly string _server;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _giveUp;
    private readonly CancellationTokenRegistration _registration;
    private TimeSpan _limit = LimitOf(_usualHeartbeat);

    public SilenceLimit(ServerConnection server, CancellationToken caller)
    {
        _server = server.BaseAddress.Authority;
        _caller = caller;
        _giveUp = new CancellationTokenSource(Timeout.InfiniteTimeSpan, server.Time);
        _registration = caller.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _giveUp);
    }

    public TimeSpan Heartbeat
    {
        set => _limit = LimitOf(value);
    }

    /// <exception cref="PenstockException">The connection broke, or was silent for too long.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async ValueTask<T> WithinAsync<T>(Func<CancellationToken, ValueTask<T>> wait)
    {
        try
        {
            _giveUp.CancelAfter(_limit);
            return await wait(_giveUp.Token);
        }
        catch (Exception e) when (IsNetwork(e) || e is OperationCanceledException or ObjectDisposedException)
        {
            _caller.ThrowIfCancellationRequested();
            throw e is OperationCanceledException
                ? PenstockException.Network($"The server at {_server} was silent for {_limit.TotalSeconds:0} seconds.", e)
                : PenstockException.Network($"The server at {_server} was not reached, or the connection was cut.", e);
        }
        finally
        {
            // Only while we wait: a slow consumer is not a silent server.
            if (!_giveUp.IsCancellationRequested) _giveUp.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _registration.Dispose();
        _giveUp.Dispose();
    }

    // The platform lets the last out as it is where a connection is reset in the moment that it was opened (4 of 100 times, in .NET 10).
    private static bool IsNetwork(Exception e) => e is HttpRequestException or IOException or SocketException;

    // A stream that has just sent something may skip the next heartbeat.
    private static TimeSpan LimitOf(TimeSpan heartbeat) => heartbeat * 2 + TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerSecond, heartbeat.Ticks / 3));
}
