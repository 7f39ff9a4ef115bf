using Microsoft.Extensions.Hosting;
using Penstock.Generations;

namespace Penstock.AspNetCore;

/// <summary>Before the first request: ends what a crash left open. At shutdown: takes no new work and lets generations end. In between: prunes.</summary>
internal sealed class GenerationLifetime(GenerationService generations, IHostApplicationLifetime lifetime, TimeProvider time)
    : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan _pruneEvery = TimeSpan.FromMinutes(10);

    private ITimer? _prune;
    private Task _drain = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        // Generations get their time to end from now on, not from when Kestrel has closed its last connection.
        lifetime.ApplicationStopping.Register(() =>
        {
            generations.StopTaking();
            _drain = generations.DrainAsync();
        });
        return generations.RecoverAsync();
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _prune = time.CreateTimer(static state => _ = ((GenerationService)state!).PruneKeysAsync(), generations, _pruneEvery, _pruneEvery);
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _drain.WaitAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _prune?.Dispose();
}
