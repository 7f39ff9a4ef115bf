using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Jobs;
using Penstock.Streams;

namespace Penstock.AspNetCore;

/// <summary>
/// Before the first request: ends what a crash left open, and takes jobs. At shutdown: takes no new work and lets generations end.
/// In between: looks for what was forgotten.
/// </summary>
internal sealed class GenerationLifetime(
    GenerationService generations, GenerationWorker worker, IStreamLog log, IJobQueue queue, PenstockOptions options, IHostApplicationLifetime lifetime, TimeProvider time)
    : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan _sweepEvery = TimeSpan.FromMinutes(5);

    private ITimer? _sweep;
    private Task _drain = Task.CompletedTask;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        CheckNodes();
        // Generations get their time to end from now on, not from when Kestrel has closed its last connection.
        lifetime.ApplicationStopping.Register(() =>
        {
            generations.StopTaking();
            _drain = worker.DrainAsync();
        });
        await generations.RecoverAsync();
        if (options.Queue.Works) worker.Start();
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var first = log.SpansNodes ? _sweepEvery * Random.Shared.NextDouble() : TimeSpan.Zero; // not all nodes at once
        if (options.Queue.TakesRequests) _sweep = time.CreateTimer(static state => _ = ((GenerationService)state!).SweepAsync(), generations, first, _sweepEvery);
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _drain.WaitAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _sweep?.Dispose();

    // Not the validator's, which does not know what is registered.
    private void CheckNodes()
    {
        var mistake = options.Queue.Kind != "local" && !queue.SpansNodes
            ? $"Penstock:Queue:Kind is '{options.Queue.Kind}', which this application is built without; register an IJobQueue before AddPenstock, or set Kind to local."
            : queue.SpansNodes && !log.SpansNodes
                ? $"Penstock:Storage:Kind is '{options.Storage.Kind}', which other nodes cannot read; with Penstock:Queue:Kind {options.Queue.Kind} set it to redis."
                : null;
        if (mistake is not null) throw new OptionsValidationException(nameof(PenstockOptions), typeof(PenstockOptions), [mistake]);
    }
}
