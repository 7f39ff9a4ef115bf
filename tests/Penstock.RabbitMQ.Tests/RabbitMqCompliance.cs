using Penstock.Jobs;
using Penstock.Testing;
using Penstock.Tests.Jobs;

namespace Penstock.RabbitMQ.Tests;

public sealed class RabbitMqCompliance(Broker broker) : JobQueueCompliance
{
    private RabbitMqJobQueue? _queue;

    protected override IJobQueue NewQueue() => _queue = Broker.NewQueue(broker.Server.Address, Broker.NewPrefix());

    protected override Task AtWorkerAsync(int waiting) => Eventually.Is(() => _queue!.Held == waiting, $"{waiting} jobs are at the worker");
}
