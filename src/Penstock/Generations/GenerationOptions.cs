using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>How generations live and end.</summary>
public sealed class GenerationOptions
{
    /// <summary>How many may run at once; more are told to come back.</summary>
    public int MaxRunning { get; init; } = 50_000;

    /// <summary>What becomes of those whose server died.</summary>
    public CrashPolicy OnCrash { get; init; }

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

    /// <summary>Names the request among its owner's, so that sending it again joins the generation that it started; null for none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Does the same, and is a name to find the generation by as well; null for none.</summary>
    public string? JobId { get; init; }
}
