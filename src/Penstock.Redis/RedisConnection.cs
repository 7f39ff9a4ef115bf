using Microsoft.Extensions.Logging;
using Penstock.Streams;
using StackExchange.Redis;

namespace Penstock.Redis;

/// <summary>
/// The connection to Redis that the whole process shares: commands of all streams go through it one behind another without
/// waiting for replies, and a second one hears what is published. It comes back by itself when it was cut.
/// </summary>
internal sealed class RedisConnection : IAsyncDisposable
{
    /// <summary>What is not an append of a generation in flight waits so long for a Redis that has gone.</summary>
    public static readonly TimeSpan Briefly = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _askEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(3);

    // Longer than a disk holds Redis up, far shorter than TCP takes to notice that nobody is there.
    private static readonly TimeSpan _deadly = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan _tryAgain = TimeSpan.FromMilliseconds(100);

    // What it says of itself, not of the command.
    private static readonly string[] _passing = ["LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS", "NOAUTH", "WRONGPASS"];

    private readonly RedisStoreOptions _options;
    private readonly ConfigurationOptions _configuration;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _subscribing = new();
    private Action _restored = static () => { };
    private volatile RedisLink _link;
    private long _answeredAt;
    private long _askedAt;
    private int _asking;
    private volatile bool _isGone;
    private volatile bool _isFull;
    private volatile bool _isDisposed;

    /// <summary>Connects once it is told to <see cref="Start"/>; what is asked of it before waits.</summary>
    public RedisConnection(RedisStoreOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _configuration = Configure(options.Connection);
        _answeredAt = time.GetTimestamp();
        _link = NewLink();
        _timer = time.CreateTimer(static state => _ = ((RedisConnection)state!).AskAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Database => _configuration.DefaultDatabase ?? 0;

    /// <summary>Where Redis is; without the password.</summary>
    public string Endpoint => string.Join(", ", _configuration.EndPoints.Select(static e => e switch
    {
        System.Net.DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        _ => e.ToString(),
    }));

    /// <summary>Redis has answered lately.</summary>
    public bool IsReachable => _time.GetElapsedTime(Volatile.Read(ref _answeredAt)) < _silence;

    /// <summary>Redis has refused something for want of memory, and has had no room since.</summary>
    public bool IsFull => _isFull;

    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    public static ConfigurationOptions Configure(string connection)
    {
        var configuration = ConfigurationOptions.Parse(connection);
        if (configuration.EndPoints.Count == 0) throw new ArgumentException("It names no server.", nameof(connection));
        configuration.AbortOnConnectFail = false;
        configuration.ClientName ??= "penstock";
        configuration.ConnectTimeout = 2000; // it tries again
        configuration.KeepAlive = 2;
        configuration.ReconnectRetryPolicy = new LinearRetry(250);
        configuration.TieBreaker = "";
        configuration.ConfigurationChannel = "";
        return configuration;
    }

    /// <summary>Connects. Apart from the constructor, as Redis may answer at once, and whoever is told then needs all that it touches.</summary>
    /// <param name="restored">
    /// Told that the connection is there, perhaps again: what was published before was not heard, and what was subscribed to may be forgotten.
    /// </param>
    public void Start(Action restored)
    {
        _restored = restored;
        _link.Connect();
        _timer.Change(_askEvery, _askEvery);
    }

    /// <summary>Runs a script, again if the connection breaks, for as long as Redis may be gone.</summary>
    /// <param name="script">The script. It must be able to come twice.</param>
    /// <param name="keys">The stream's keys.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="patience">How long Redis may be gone.</param>
    /// <param name="retryFlag">Which argument becomes 1 when the script may have run before; -1 for none.</param>
    /// <exception cref="StreamUnreachableException">Redis has been gone for longer.</exception>
    /// <exception cref="StreamStorageException">Redis refuses.</exception>
    public async Task<RedisResult> RunAsync(RedisScript script, RedisKey[] keys, RedisValue[] arguments, TimeSpan patience, int retryFlag = -1)
    {
        for (long? failedAt = null; ; failedAt ??= _time.GetTimestamp())
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStreamLog));
            try
            {
                var link = _link;
                var database = await link.DatabaseAsync();
                RedisResult result;
                try
                {
                    result = await link.WaitAsync(database.ScriptEvaluateAsync(script.Hash, keys, arguments));
                }
                catch (RedisServerException e) when (e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
                {
                    result = await link.WaitAsync(database.ExecuteAsync("EVAL", [script.Text, keys.Length, .. keys.Cast<object>(), .. arguments.Cast<object>()]));
                }

                Volatile.Write(ref _answeredAt, _time.GetTimestamp());
                return result;
            }
            catch (Exception e) when (IsPassing(e))
            {
                await WaitAsync(e, failedAt, patience);
                if (retryFlag >= 0) arguments[retryFlag] = 1;
            }
            catch (RedisServerException e)
            {
                throw Refused(e);
            }
        }
    }

    /// <summary>Runs a command that may come twice, as <see cref="RunAsync"/> does.</summary>
    public async Task<RedisResult> ExecuteAsync(TimeSpan patience, string command, params object[] arguments)
    {
        for (long? failedAt = null; ; failedAt ??= _time.GetTimestamp())
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStreamLog));
            try
            {
                var link = _link;
                return await link.WaitAsync((await link.DatabaseAsync()).ExecuteAsync(command, arguments));
            }
            catch (Exception e) when (IsPassing(e))
            {
                await WaitAsync(e, failedAt, patience);
            }
            catch (RedisServerException e)
            {
                throw Refused(e);
            }
        }
    }

    /// <summary>Redis has gone, or does not answer in time: what was subscribed to is heard again when it is back.</summary>
    public static bool IsAway(Exception e) =>
        e is RedisException or TimeoutException or OperationCanceledException or ObjectDisposedException or StreamException;

    /// <summary>Has what is published heard, once however often this is called: a link that was cut has its handlers still, and adds the same once more.</summary>
    public async Task SubscribeAsync(string channel, Action<RedisChannel, RedisValue> handler)
    {
        var link = _link;
        var subscriber = await link.SubscriberAsync();
        Task subscribing;
        lock (_subscribing) // several come at once, as each of a link's connections is told of
        {
            _ = subscriber.UnsubscribeAsync(channel, handler);
            subscribing = subscriber.SubscribeAsync(channel, handler);
        }

        await link.WaitAsync(subscribing);
    }

    public async Task UnsubscribeAsync(string channel, Action<RedisChannel, RedisValue> handler)
    {
        var link = _link;
        await link.WaitAsync((await link.SubscriberAsync()).UnsubscribeAsync(channel, handler));
    }

    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        await _timer.DisposeAsync();
        _link.GiveUp();
    }

    private RedisLink NewLink() => new(_configuration, link => { if (link == _link) _restored(); }, _time);

    /// <summary>Asks whether Redis is there, and gives a connection up on which it has not said so for long.</summary>
    private async Task AskAsync()
    {
        if (Interlocked.Exchange(ref _asking, 1) == 1)
        {
            if (_time.GetElapsedTime(Volatile.Read(ref _askedAt)) < _deadly || _isDisposed) return;
            var dead = _link;
            _link = NewLink();
            _link.Connect(); // now that it is this one's, so that whoever is told of it uses it
            dead.GiveUp();
            return;
        }

        try
        {
            Volatile.Write(ref _askedAt, _time.GetTimestamp());
            var link = _link;
            await link.WaitAsync((await link.DatabaseAsync()).ExecuteAsync("PING"));
            Volatile.Write(ref _answeredAt, _time.GetTimestamp());
            if (_isGone) _logger.Back(Endpoint);
            _isGone = false;
            if (!_isFull) return;
            await link.WaitAsync((await link.DatabaseAsync()).ExecuteAsync("SET", StreamKeys.Room, 1, "PX", 1));
            _isFull = false;
            _logger.HasRoom(Endpoint);
        }
        catch (RedisServerException e) when (IsOutOfMemory(e))
        {
            // There is none yet.
        }
        catch (Exception e) when (IsPassing(e))
        {
            NoteGone(e);
        }
        finally
        {
            Volatile.Write(ref _asking, 0);
        }
    }

    /// <summary>Waits a moment before another try; Redis may have been gone before this one, or answer others and not this.</summary>
    private async Task WaitAsync(Exception e, long? failedAt, TimeSpan patience)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, typeof(IStreamLog));
        NoteGone(e);
        if (_time.GetElapsedTime(Math.Min(failedAt ?? long.MaxValue, Volatile.Read(ref _answeredAt))) >= patience)
            throw new StreamUnreachableException($"Redis at {Endpoint} does not answer ({Reason(e)}).", e);
        await Task.Delay(_tryAgain, _time);
    }

    private void NoteGone(Exception e)
    {
        if (_isGone || _isDisposed) return;
        _isGone = true;
        _logger.Gone(Endpoint, Reason(e), _options.Outage);
    }

    private StreamStorageException Refused(RedisServerException e)
    {
        if (IsOutOfMemory(e) && !_isFull)
        {
            _isFull = true;
            _logger.Full(Endpoint);
        }

        return new($"Redis at {Endpoint} refuses: {e.Message}", e);
    }

    // A script's own refusal has words before it.
    private static bool IsOutOfMemory(RedisServerException e) => e.Message.Contains("OOM ", StringComparison.Ordinal);

    private static string Reason(Exception e) => e switch
    {
        RedisConnectionException connection => connection.FailureType.ToString(),
        RedisServerException server => server.Message.Split(' ')[0],
        OperationCanceledException => "silent",
        _ => e.GetType().Name,
    };

    private static bool IsPassing(Exception e) =>
        e is RedisConnectionException or TimeoutException or OperationCanceledException or ObjectDisposedException
        || (e is RedisServerException server && _passing.Any(word => server.Message.StartsWith(word, StringComparison.Ordinal)));
}
