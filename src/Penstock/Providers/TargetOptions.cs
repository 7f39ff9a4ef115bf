namespace Penstock.Providers;

/// <summary>One of those who answer for an alias: <c>provider/model</c>, or that with a priority and a weight.</summary>
public sealed class TargetOptions
{
    /// <summary><c>provider/model</c></summary>
    public string Model { get; set; } = "";

    /// <summary>The lowest is asked first; without one, the place in the list.</summary>
    public int? Priority { get; set; }

    /// <summary>How often it is asked first among those of its priority.</summary>
    public double Weight { get; set; } = 1;
}
