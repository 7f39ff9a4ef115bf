using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>What a client is told when a generation fails on our side.</summary>
internal static class GenerationErrors
{
    public static readonly GenerationError Internal = new(
        "internal_error", "The server failed while it generated the answer. Try again.", 500);

    public static readonly GenerationError ShutDown = new(
        "interrupted", "The server was shut down before the answer was complete. The text so far is kept; ask again for a whole answer.", 503);

    public static readonly GenerationError Crashed = new(
        "interrupted", "The server stopped before the answer was complete. The text so far is kept; ask again for a whole answer.", 503);

    public static readonly GenerationError GivenUp = new(
        "internal_error", "Every server that took this request failed before it could answer.", 500);

    public static readonly GenerationError QueueUnavailable = new(
        "queue_unavailable", "The server's queue cannot be reached. Try again shortly.", 503, TimeSpan.FromSeconds(5));

    public static readonly GenerationError BegunAnew = new(
        "answer_reset", "The answer was begun anew after its server died, and what you have of it is void: ask again without Last-Event-ID, with the same Idempotency-Key if there was one.", 409);

    public static readonly GenerationError Unreachable = new(
        "storage_unreachable", "The server's store does not answer. What was stored is kept; try again shortly.", 503, TimeSpan.FromSeconds(5));

    public static GenerationError From(StreamException e) => e switch
    {
        StreamUnreachableException => Unreachable,
        StreamStorageException => new("storage_full", "The server cannot store more of this answer: its disk or a limit is full. The text so far is kept.", 507),
        _ => Internal,
    };
}
