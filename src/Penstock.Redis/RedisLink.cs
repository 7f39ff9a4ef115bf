using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>
/// One life of the connection. StackExchange.Redis reconnects by itself when it is told of a break; where the other side falls
/// silent without one, this link is given up, with all that waits on it, and another is made.
/// </summary>
internal sealed class RedisLink
{
    private static readonly TimeSpan _tryAgain = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _givenUp = new();
    private readonly TaskCompletionSource _begun = new();
    private readonly Task<ConnectionMultiplexer> _connecting;

    /// <param name="configuration">Where to.</param>
    /// <param name="connected">Called when it is connected, and again whenever it was cut and is there again.</param>
    /// <param name="time">The clock of further tries.</param>
    public RedisLink(ConfigurationOptions configuration, Action<RedisLink> connected, TimeProvider time) =>
        _connecting = ConnectAsync(configuration, connected, time);

    /// <summary>Begins to connect. Until then nobody is told, and whoever asks for it waits.</summary>
    public void Connect() => _begun.SetResult();

    public ValueTask<IDatabase> DatabaseAsync() =>
        _connecting.IsCompletedSuccessfully ? new(_connecting.Result.GetDatabase()) : WaitForDatabaseAsync();

    public async ValueTask<ISubscriber> SubscriberAsync() => (await ConnectionAsync()).GetSubscriber();

    /// <summary>The reply, or <see cref="OperationCanceledException"/> once the link was given up.</summary>
    public Task<T> WaitAsync<T>(Task<T> reply) => reply.WaitAsync(_givenUp.Token);

    public Task WaitAsync(Task reply) => reply.WaitAsync(_givenUp.Token);

    /// <summary>Fails what waits for replies, and closes the connection.</summary>
    public void GiveUp()
    {
        _givenUp.Cancel();
        // Not by Dispose, which blocks for a second.
        _ = _connecting.ContinueWith(
            static task => task.Result.CloseAsync(allowCommandsToComplete: false), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }

    private async ValueTask<IDatabase> WaitForDatabaseAsync() => (await ConnectionAsync()).GetDatabase();

    private Task<ConnectionMultiplexer> ConnectionAsync() => _connecting.WaitAsync(_givenUp.Token);

    private async Task<ConnectionMultiplexer> ConnectAsync(ConfigurationOptions configuration, Action<RedisLink> connected, TimeProvider time)
    {
        await _begun.Task;
        while (true)
        {
            try
            {
                var connection = await ConnectionMultiplexer.ConnectAsync(configuration);
                connection.IncludeDetailInExceptions = false;
                connection.ConnectionRestored += (_, _) => connected(this);
                ThreadPool.UnsafeQueueUserWorkItem(connected, this, preferLocal: false);
                return connection;
            }
            catch (RedisConnectionException) when (!_givenUp.IsCancellationRequested)
            {
                await Task.Delay(_tryAgain, time);
            }
        }
    }
}
