using Penstock.Client;

namespace Penstock.Server.Commands.Output;

/// <summary>Writes a generation as it goes on, until it ends, Ctrl-C is pressed or the server stays away.</summary>
internal static class Following
{
    /// <summary>Notes once that the connection was lost, until it is back.</summary>
    public static Action<PenstockException> NotesLoss()
    {
        var lost = 0L;
        return error =>
        {
            // One note for each place that it is lost at.
            var at = (error.EventId ?? "start").GetHashCode(StringComparison.Ordinal);
            if (Interlocked.Exchange(ref lost, at) != at) Terminal.Note("[The connection was lost; trying again.]");
        };
    }

    /// <param name="run">What to follow.</param>
    /// <param name="writer">Where to.</param>
    /// <param name="stops">Whether Ctrl-C stops it on the server.</param>
    /// <param name="interrupts">Ctrl-C.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(PenstockRun run, AnswerWriter writer, bool stops, Interrupts interrupts)
    {
        var seen = run.Id;
        try
        {
            await foreach (var next in run.WithCancellation(interrupts.Token))
            {
                writer.Write(next);
                seen = next.Id;
            }

            return writer.ExitCode ?? throw new CommandException("The answer ended without an ending.");
        }
        catch (OperationCanceledException)
        {
            writer.EndLine();
            if (stops) await StopAsync(run);
            else Terminal.Note($"It goes on without you: penstock attach {seen}, or penstock stop {run.Id}.");
            return ExitCodes.Interrupted;
        }
        catch (PenstockException e) when (e.Code == "network")
        {
            writer.EndLine();
            Console.Error.WriteLine($"{e.Message} The answer may go on there: penstock attach {seen}");
            return ExitCodes.Failed;
        }
    }

    private static async Task StopAsync(PenstockRun run)
    {
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            var stopped = await run.StopAsync(limit.Token);
            Terminal.Note(stopped.Status == "stopped" ? "Stopped." : "It had ended.");
        }
        catch (Exception e) when (e is PenstockException or OperationCanceledException)
        {
            Console.Error.WriteLine($"It could not be stopped, since the server does not answer: penstock stop {run.Id}");
        }
    }
}
