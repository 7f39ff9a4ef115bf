using Microsoft.Extensions.Logging;
using Penstock.Jobs;
using RabbitMQ.Client;

namespace Penstock.RabbitMQ;

/// <summary>
/// Jobs on quorum queues: a job is enqueued once a majority of the brokers has it, and stays until whoever took it says that it is done.
/// It is told of as often as it takes to be confirmed, so it may be there twice.
/// </summary>
public sealed class RabbitMqJobQueue : IJobQueue
{
    // A request that is refused should not cost a question to the broker, nor a thousand at once a thousand.
    private static readonly TimeSpan _countFor = TimeSpan.FromMilliseconds(200);

    private readonly RabbitMqOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConnectionFactory _factory;
    private readonly RabbitMqTopology _topology;
    private readonly RabbitMqLink _publisher;
    private readonly SemaphoreSlim _counting = new(1);
    private readonly List<RabbitMqConsumer> _consumers = [];
    private long _count;
    private long _countedAt;

    public RabbitMqJobQueue(RabbitMqOptions options, TimeProvider time, ILogger<RabbitMqJobQueue> logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _factory = new ConnectionFactory
        {
            Uri = options.Address,
            AutomaticRecoveryEnabled = false,
            RequestedHeartbeat = TimeSpan.FromSeconds(10),
            RequestedConnectionTimeout = TimeSpan.FromSeconds(5),
            ContinuationTimeout = TimeSpan.FromSeconds(10),
        };
        if (options.User is not null) _factory.UserName = options.User;
        if (options.Password is not null) _factory.Password = options.Password;
        _topology = new RabbitMqTopology(options.Prefix);
        // Apart from the consumers': a broker that is short of memory stops reading from who publishes, and must still hear what is done.
        _publisher = new RabbitMqLink(_factory, "penstock gateway", _topology, confirms: true, logger);
        _countedAt = time.GetTimestamp() - time.TimestampFrequency;
        _ = WarmUpAsync();
    }

    public bool SpansNodes => true;

    public bool IsReady => _publisher.IsOpen && _consumers.TrueForAll(c => c.IsReady);

    /// <summary>How many jobs are here and wait for room.</summary>
    internal int Held => _consumers.Sum(c => c.Held);

    public async ValueTask EnqueueAsync(Job job, CancellationToken cancellationToken = default)
    {
        var properties = new BasicProperties { DeliveryMode = DeliveryModes.Persistent };
        var body = JobMessage.Write(job);
        using var timeout = new CancellationTokenSource(_options.EnqueueTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        while (true)
        {
            Exception reason;
            try
            {
                var channel = await _publisher.OpenAsync(either.Token);
                await channel.BasicPublishAsync("", _topology.Of(job.Priority), mandatory: true, properties, body, either.Token);
                Interlocked.Increment(ref _count);
                return;
            }
            catch (Exception e) when (RabbitMqLink.IsAway(e))
            {
                reason = e;
            }
            catch (OperationCanceledException e) when (timeout.IsCancellationRequested)
            {
                throw NotConfirmed(e);
            }

            RabbitMqLog.NotConfirmed(_logger, job.Id, reason.Message);
            try
            {
                await Task.Delay(_options.ReconnectDelay / 4, _time, either.Token);
            }
            catch (OperationCanceledException) when (timeout.IsCancellationRequested)
            {
                throw NotConfirmed(reason);
            }
        }
    }

    public async ValueTask<long> CountAsync(CancellationToken cancellationToken = default)
    {
        if (_time.GetElapsedTime(Volatile.Read(ref _countedAt)) < _countFor) return Volatile.Read(ref _count);
        await _counting.WaitAsync(cancellationToken);
        try
        {
            if (_time.GetElapsedTime(_countedAt) < _countFor) return _count;
            using var timeout = new CancellationTokenSource(_options.EnqueueTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            var channel = await _publisher.OpenAsync(either.Token);
            long count = 0;
            foreach (var priority in RabbitMqTopology.Priorities) count += (await channel.QueueDeclarePassiveAsync(_topology.Of(priority), either.Token)).MessageCount;
            Volatile.Write(ref _count, count);
            Volatile.Write(ref _countedAt, _time.GetTimestamp());
            return count;
        }
        catch (Exception e) when (RabbitMqLink.IsAway(e) || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new JobQueueException("RabbitMQ cannot be reached.", e);
        }
        finally
        {
            _counting.Release();
        }
    }

    public IJobConsumer Consume(int capacity, JobHandler handler)
    {
        var link = new RabbitMqLink(_factory, "penstock worker", _topology, confirms: false, _logger);
        var consumer = new RabbitMqConsumer(link, _topology, capacity, handler, _options.ReconnectDelay, _time, _logger);
        _consumers.Add(consumer);
        return consumer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var consumer in _consumers) await consumer.DisposeAsync();
        await _publisher.DisposeAsync();
    }

    // The first request should not wait for a connection, and /readyz is to know.
    private async Task WarmUpAsync()
    {
        while (true)
        {
            try
            {
                await _publisher.OpenAsync(CancellationToken.None);
                await Task.Delay(_options.ReconnectDelay * 5, _time);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (Exception e)
            {
                RabbitMqLog.Away(_logger, e.Message);
                await Task.Delay(_options.ReconnectDelay, _time);
            }
        }
    }

    private static JobQueueException NotConfirmed(Exception inner) => new("RabbitMQ did not confirm the job in time.", inner);
}
