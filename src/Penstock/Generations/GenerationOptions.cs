using Penstock.Generations.Filters;
using Penstock.Generations.Tools;
using Penstock.Jobs;
using Penstock.Limits;
using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>How generations live and end.</summary>
public sealed class GenerationOptions
{
    /// <summary>How many may run at once; more are told to come back.</summary>
    public int MaxRunning { get; init; } = 50_000;

    /// <summary>How many may wait on a queue that spans nodes.</summary>
    public long MaxQueued { get; init; } = 10_000;

    /// <summary>Whether a request waits where the queue is longer than that, rather than being told to come back.</summary>
    public bool WaitsWhenFull { get; init; }

    /// <summary>How long an idempotency key is remembered after its last use: longer than a stream lives.</summary>
    public TimeSpan KeyLifetime { get; init; } = TimeSpan.FromDays(2);

    /// <summary>What becomes of those whose server died.</summary>
    public CrashPolicy OnCrash { get; init; }

    /// <summary>How long the store keeps a generation, and what is kept beside it.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromHours(24);

    /// <summary>What answers must not show.</summary>
    internal IReadOnlyList<OutputFilter> Filters { get; init; } = [];

    /// <summary>How far an answer may go with tools that the server runs.</summary>
    public ToolOptions Tools { get; init; } = new();

    /// <summary>How often a provider is asked again.</summary>
    public RetryOptions Retry { get; init; } = new();

    /// <summary>How long running generations may take to end when the server shuts down; then they end as <c>interrupted</c>.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>How one generation is started.</summary>
public sealed record StartOptions
{
    public required DisconnectPolicy OnDisconnect { get; init; }

    /// <summary>To whom it will belong; null for nobody in particular.</summary>
    public string? Owner { get; init; }

    /// <summary>On whom it is counted, and within which limits; null for no limits.</summary>
    internal Payer? Payer { get; init; }

    /// <summary>Names the request among its owner's, so that sending it again joins the generation that it started; null for none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>How old an answer to the same request may be that serves for this one; null for none at all. A request with a key of its own is never served so.</summary>
    public TimeSpan? CacheFor { get; init; }

    /// <summary>Which jobs are taken first where they wait.</summary>
    public JobPriority Priority { get; init; } = JobPriority.Normal;

    /// <summary>As <see cref="IdempotencyKey"/>, and is a name to find the generation by as well; null for none.</summary>
    public string? JobId { get; init; }

    /// <summary>The trace that it belongs to, as the W3C header <c>traceparent</c> has it; null for none.</summary>
    public string? TraceParent { get; init; }
}
