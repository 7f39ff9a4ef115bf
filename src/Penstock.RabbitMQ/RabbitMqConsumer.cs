using Microsoft.Extensions.Logging;
using Penstock.Jobs;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Penstock.RabbitMQ;

/// <summary>
/// Takes jobs from all queues. The broker gives as many of each priority as may run, and one; of what it has given, as many run as
/// may, the highest first. What runs goes on when the broker is lost, whatever it does with the job then.
/// </summary>
internal sealed class RabbitMqConsumer : IJobConsumer, IAsyncDisposable
{
    private static readonly TimeSpan _lastWords = TimeSpan.FromSeconds(1);

    private readonly RabbitMqLink _link;
    private readonly RabbitMqTopology _topology;
    private readonly int _capacity;
    private readonly JobHandler _handler;
    private readonly TimeSpan _reconnectDelay;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _loop;

    private readonly Lock _lock = new();
    private readonly PriorityQueue<Delivery, (JobPriority, long)> _waiting = new();
    private readonly HashSet<Task> _running = [];
    private long _lastNumber;
    private bool _isStopped;
    private bool _isCancelled;

    public RabbitMqConsumer(RabbitMqLink link, RabbitMqTopology topology, int capacity, JobHandler handler, TimeSpan reconnectDelay, TimeProvider time, ILogger logger)
    {
        (_link, _topology, _capacity, _handler, _reconnectDelay, _time, _logger) = (link, topology, capacity, handler, reconnectDelay, time, logger);
        _loop = Task.Run(RunAsync);
    }

    public bool IsReady => _link.IsOpen || _stopping.IsCancellationRequested;

    /// <summary>How many jobs are here and wait for room.</summary>
    public int Held
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    /// <summary>Takes no more, and gives back what has not begun: once the broker brings nothing more, for until then it would bring that again, and count it.</summary>
    public async ValueTask StopAsync()
    {
        lock (_lock)
        {
            if (_isStopped) return;
            _isStopped = true;
        }

        await _stopping.CancelAsync();
        await _loop;
        List<Delivery> back;
        lock (_lock)
        {
            _isCancelled = true;
            back = [.. _waiting.UnorderedItems.Select(w => w.Element)];
            _waiting.Clear();
        }

        foreach (var delivery in back) await SettleAsync(delivery, done: false);
    }

    /// <summary>Lets what has just ended be settled. What still runs goes back to the queue.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Task[] running;
        lock (_lock) running = [.. _running];
        await Task.WhenAny(Task.WhenAll(running), Task.Delay(_lastWords, _time));
        await _link.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var channel = await _link.OpenAsync(_stopping.Token);
                var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                var tags = await ConsumeAsync(channel, lost);
                channel.ChannelShutdownAsync += (_, _) =>
                {
                    lost.TrySetResult();
                    return Task.CompletedTask;
                };
                await using var onStop = _stopping.Token.UnsafeRegister(static l => ((TaskCompletionSource)l!).TrySetResult(), lost);
                if (channel.IsOpen) await lost.Task;
                if (!channel.IsOpen) RabbitMqLog.Away(_logger, channel.CloseReason?.ReplyText ?? "");
                else if (!_stopping.IsCancellationRequested) await channel.CloseAsync(); // the broker cancelled a consumer
                else foreach (var tag in tags) await channel.BasicCancelAsync(tag);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                RabbitMqLog.Away(_logger, e.Message);
                await _link.ResetAsync(); // some of the queues may be consumed already
            }

            await Task.Delay(_reconnectDelay, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<List<string>> ConsumeAsync(IChannel channel, TaskCompletionSource lost)
    {
        // For each consumer, not for all: quorum queues know no other limit. One more than may run, so that the next of the highest
        // priority is at hand when one ends, and no lower one slips in.
        await channel.BasicQosAsync(0, (ushort)Math.Min(_capacity + 1, ushort.MaxValue), global: false, _stopping.Token);
        var tags = new List<string>();
        foreach (var priority in RabbitMqTopology.Priorities) tags.Add(await ConsumeAsync(channel, _topology.Of(priority), priority, dead: false, lost));
        tags.Add(await ConsumeAsync(channel, _topology.Dead, JobPriority.High, dead: true, lost));
        return tags;
    }

    private Task<string> ConsumeAsync(IChannel channel, string queue, JobPriority priority, bool dead, TaskCompletionSource lost)
    {
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, message) =>
        {
            var job = JobMessage.TryRead(message.Body.Span, priority);
            if (job is not null)
            {
                var delivery = new Delivery(channel, message.DeliveryTag, new JobDelivery(job, message.Redelivered, dead));
                if (!Take(delivery)) await SettleAsync(delivery, done: false);
                return;
            }

            RabbitMqLog.NoJob(_logger, queue);
            await channel.BasicAckAsync(message.DeliveryTag, multiple: false);
        };
        consumer.UnregisteredAsync += (_, _) =>
        {
            lost.TrySetResult();
            return Task.CompletedTask;
        };
        // Not given up halfway: a consumer that nobody cancels is brought what was given back, again and again, until it counts as dead.
        return channel.BasicConsumeAsync(queue, autoAck: false, consumer);
    }

    private bool Take(Delivery delivery)
    {
        lock (_lock)
        {
            if (_isCancelled) return false;
            _waiting.Enqueue(delivery, (delivery.Job.Job.Priority, ++_lastNumber));
        }

        RunMore();
        return true;
    }

    private void RunMore()
    {
        lock (_lock)
        {
            while (!_isStopped && _running.Count < _capacity && _waiting.TryDequeue(out var next, out _))
            {
                if (!next.Channel.IsOpen) continue; // the broker has it back
                var delivery = next;
                var running = Task.Run(() => RunAsync(delivery));
                _running.Add(running);
                _ = running.ContinueWith(Ended, TaskScheduler.Default);
            }
        }
    }

    private void Ended(Task running)
    {
        lock (_lock) _running.Remove(running);
        RunMore();
    }

    private async Task RunAsync(Delivery delivery)
    {
        var done = false;
        try
        {
            done = await _handler(delivery.Job) == JobResult.Done;
        }
        catch (Exception e)
        {
            RabbitMqLog.JobFailed(_logger, delivery.Job.Job.Id, e);
        }

        await SettleAsync(delivery, done);
    }

    private static async Task SettleAsync(Delivery delivery, bool done)
    {
        try
        {
            if (done) await delivery.Channel.BasicAckAsync(delivery.Tag, multiple: false);
            else await delivery.Channel.BasicNackAsync(delivery.Tag, multiple: false, requeue: true);
        }
        catch (Exception e) when (RabbitMqLink.IsAway(e))
        {
            // The broker took the job back when it lost us, and brings it again.
        }
    }

    private sealed record Delivery(IChannel Channel, ulong Tag, JobDelivery Job);
}
