namespace Penstock.Client;

/// <summary>Whatever went wrong, in the server's words where it said any.</summary>
public sealed class PenstockException : Exception
{
    internal PenstockException(string code, string message, int status, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Status = status;
    }

    /// <summary>A stable word: docs/http.md lists them. <c>network</c> when the server was not reached.</summary>
    public string Code { get; }

    /// <summary>The HTTP status, or the one that the failure would have had; 0 when the server was not reached.</summary>
    public int Status { get; }

    /// <summary>Whether the same request may do better later.</summary>
    public bool IsRetryable => Status is 0 or 408 or 425 or 429 or 500 or 502 or 503 or 504 && Code is not ("insufficient_quota" or "provider_unauthorized");

    /// <summary>When to come back, where the server said so.</summary>
    public TimeSpan? RetryAfter { get; internal init; }

    /// <summary>The field of the request at fault, where that is known.</summary>
    public string? Param { get; internal init; }

    /// <summary>The id of the last event that was read, to go on after it; null where nothing was.</summary>
    public string? EventId { get; internal set; }

    internal static PenstockException Network(string message, Exception? cause = null) => new("network", message, 0, cause);
}
