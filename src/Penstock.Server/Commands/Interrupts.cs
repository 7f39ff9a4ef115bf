using System.Runtime.InteropServices;

namespace Penstock.Server.Commands;

/// <summary>Ctrl-C while a command runs: the first asks it to end, the second ends the process.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private CancellationTokenSource _asked = new();

    public Interrupts() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
    {
        if (_asked.IsCancellationRequested) return; // the second: as without us
        context.Cancel = true;
        _asked.Cancel();
    });

    public CancellationToken Token => _asked.Token;

    /// <summary>From here on the next Ctrl-C is a first one again.</summary>
    public void Reset()
    {
        if (_asked.TryReset()) return;
        _asked.Dispose();
        _asked = new CancellationTokenSource();
    }

    public void Dispose()
    {
        _registration.Dispose();
        _asked.Dispose();
    }
}
