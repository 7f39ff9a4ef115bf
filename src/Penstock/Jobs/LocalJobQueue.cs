namespace Penstock.Jobs;

/// <summary>Jobs for this process, which are gone when it is. Where there is room a job's handler is called before its enqueuing returns.</summary>
public sealed class LocalJobQueue : IJobQueue
{
    /// <summary>How often a job may come back before nobody is to try it again.</summary>
    private const int DeliveryLimit = 10;

    private readonly Lock _lock = new();
    private readonly PriorityQueue<Entry, (JobPriority, long)> _waiting = new();
    private Consumer? _consumer;
    private long _lastNumber;

    public bool SpansNodes => false;

    public bool IsReady => true;

    public ValueTask EnqueueAsync(Job job, CancellationToken cancellationToken = default)
    {
        Entry entry;
        Consumer? consumer;
        bool begins;
        lock (_lock)
        {
            entry = new Entry(job, ++_lastNumber, Deliveries: 0);
            consumer = _consumer;
            begins = _waiting.Count == 0 && consumer?.TryBegin() is true;
            if (!begins) _waiting.Enqueue(entry, entry.Place);
        }

        if (begins) consumer!.Begin(entry);
        else consumer?.TakeMore();
        return default;
    }

    public ValueTask<long> CountAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock) return new(_waiting.Count);
    }

    public IJobConsumer Consume(int capacity, JobHandler handler)
    {
        var consumer = new Consumer(this, capacity, handler);
        lock (_lock) _consumer = _consumer is null ? consumer : throw new InvalidOperationException("A local queue has one consumer.");
        consumer.TakeMore();
        return consumer;
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock) _consumer = null;
        return default;
    }

    private readonly record struct Entry(Job Job, long Number, int Deliveries)
    {
        public (JobPriority, long) Place => (Job.Priority, Number);
    }

    private sealed class Consumer(LocalJobQueue queue, int capacity, JobHandler handler) : IJobConsumer
    {
        private int _running;

        public ValueTask StopAsync()
        {
            lock (queue._lock)
            {
                if (queue._consumer == this) queue._consumer = null;
            }

            return default;
        }

        /// <summary>Takes a place, if there is one. Under the lock.</summary>
        public bool TryBegin()
        {
            if (_running >= capacity) return false;
            _running++;
            return true;
        }

        public void Begin(Entry next) => _ = EndAsync(handler(new JobDelivery(next.Job, Redelivered: next.Deliveries > 0, Dead: next.Deliveries > DeliveryLimit)), next);

        public void TakeMore()
        {
            while (true)
            {
                Entry next;
                lock (queue._lock)
                {
                    if (queue._consumer != this || _running >= capacity || !queue._waiting.TryDequeue(out next, out _)) return;
                    _running++;
                }

                Begin(next);
            }
        }

        private async Task EndAsync(Task<JobResult> work, Entry entry)
        {
            await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var done = work is { IsCompletedSuccessfully: true, Result: JobResult.Done };
            lock (queue._lock)
            {
                _running--;
                if (!done) queue._waiting.Enqueue(entry with { Deliveries = entry.Deliveries + 1 }, entry.Place);
                if (queue._waiting.Count == 0) return;
            }

            // Off this thread, and out of TakeMore: but only where something waits, for waking a thread takes longer than all of this.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            TakeMore();
        }
    }
}
