namespace Penstock.Generations;

/// <summary>How generations live and end.</summary>
public sealed class GenerationOptions
{
    /// <summary>How long running generations may take to end when the server shuts down; then they end as <c>interrupted</c>.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>How one generation is started.</summary>
public sealed record StartOptions
{
    public required DisconnectPolicy OnDisconnect { get; init; }

    /// <summary>Names the request, so that sending it again joins the generation that it started; null for none.</summary>
    public string? IdempotencyKey { get; init; }
}
