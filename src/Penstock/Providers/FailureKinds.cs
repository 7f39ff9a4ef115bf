using Penstock.Protocols;

namespace Penstock.Providers;

internal enum FailureKind : byte
{
    /// <summary>The request is at fault: whoever is asked would say so.</summary>
    Request,

    /// <summary>The target cannot, however often it is asked; another may.</summary>
    Target,

    /// <summary>The next time it may work.</summary>
    Transient,
}

/// <summary>What a failure before the first output means for another try.</summary>
internal static class FailureKinds
{
    public static FailureKind Of(GenerationError error) => error.Code switch
    {
        "provider_unauthorized" or "insufficient_quota" or "model_not_found" => FailureKind.Target,
        "rate_limited" => FailureKind.Transient,
        _ => error.Status is 408 or 409 or >= 500 ? FailureKind.Transient : FailureKind.Request,
    };
}
