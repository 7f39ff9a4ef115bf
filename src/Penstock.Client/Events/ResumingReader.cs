using System.Runtime.CompilerServices;
using Penstock.Client.Http;

namespace Penstock.Client.Events;

/// <summary>Reads a generation's events over as many connections as that takes.</summary>
internal static class ResumingReader
{
    /// <summary>The events after an offset, each once and in order; ends behind the ending, or when there is none to come.</summary>
    public static async IAsyncEnumerable<PenstockEvent> ReadAsync(ServerConnection server, string id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        PenstockEvent? last = null;
        var failures = 0;
        var heard = server.Time.GetTimestamp();
        while (true)
        {
            TimeSpan? asked = null;
            PenstockException? error = null;
            EventConnection? connection = null;
            try
            {
                try
                {
                    connection = await EventConnection.OpenAsync(server, id, after, last?.At, cancellationToken);
                    if (connection is null) yield break;
                }
                catch (PenstockException e)
                {
                    error = e;
                }

                while (error is null)
                {
                    PenstockEvent? next = null;
                    try
                    {
                        next = await connection!.NextAsync();
                        if (next is null) error = PenstockException.Network("The connection ended before the answer did.");
                    }
                    catch (PenstockException e)
                    {
                        error = e;
                    }

                    if (next is null) continue;
                    (failures, heard) = (0, server.Time.GetTimestamp());
                    if (next.Offset <= after) continue;
                    (after, last) = (next.Offset, next);
                    yield return next;
                    if (next.IsEnding) yield break;
                    heard = server.Time.GetTimestamp(); // the consumer may have taken its time
                }

                asked = connection?.Retry;
            }
            finally
            {
                connection?.Dispose();
            }

            error.EventId = last?.Id;
            if (!error.IsRetryable || HasGivenUp(server, heard)) throw error;
            server.Options.OnReconnecting?.Invoke(error);
            await Task.Delay(Backoff.After(++failures, asked ?? error.RetryAfter), server.Time, cancellationToken);
        }
    }

    private static bool HasGivenUp(ServerConnection server, long heard) =>
        server.Options.MaxOutage != Timeout.InfiniteTimeSpan && server.Time.GetElapsedTime(heard) > server.Options.MaxOutage;
}
