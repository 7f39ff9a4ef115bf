using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>A generation that is ready to run.</summary>
/// <param name="generation">The generation.</param>
/// <param name="attempts">Who is asked; null for nobody yet, since tools are run first.</param>
/// <param name="newWriter">A writer of the client's protocol, which begins as if none had been before.</param>
internal sealed class GenerationRun(Generation generation, Attempts? attempts, Func<EventWriter> newWriter)
{
    private Attempts? _attempts = attempts;
    private int _started;

    public Generation Generation => generation;

    /// <summary>Begins, if nobody has.</summary>
    public void Start()
    {
        // What is asked must not live as long as the answer.
        if (Interlocked.Exchange(ref _started, 1) == 0) generation.Start(Interlocked.Exchange(ref _attempts, null), newWriter);
    }
}
