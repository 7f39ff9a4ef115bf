namespace Penstock.Providers;

/// <summary>How often, and after how long, a provider is asked again that failed before it said anything.</summary>
public sealed class RetryOptions
{
    /// <summary>How many times the same target is asked again; then the next is. 0 for never.</summary>
    public int MaxRetries { get; set; } = 2;

    /// <summary>The first pause is up to this, and each following up to twice the one before.</summary>
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest pause. A provider that asks for a longer one is passed over.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>What becomes of an answer that its provider leaves unfinished, unless its alias says otherwise: <c>fail</c> or <c>continue</c>.</summary>
    public string AfterOutput { get; set; } = "fail";
}
