using Penstock.Jobs;

namespace Penstock.AspNetCore.Auth;

/// <summary>A key's priority in words.</summary>
internal static class KeyPriority
{
    public const string Names = "high, normal or low";

    public static bool TryParse(string text, out JobPriority priority)
    {
        (var isKnown, priority) = text switch
        {
            "high" => (true, JobPriority.High),
            "normal" => (true, JobPriority.Normal),
            "low" => (true, JobPriority.Low),
            _ => (false, JobPriority.Normal),
        };
        return isKnown;
    }

    /// <summary>Normal for null, and for a word that a later version may know.</summary>
    public static JobPriority Parse(string? text) => text is not null && TryParse(text, out var priority) ? priority : JobPriority.Normal;
}
