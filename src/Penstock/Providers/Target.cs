namespace Penstock.Providers;

/// <summary>A provider and its own name for one of its models.</summary>
internal sealed record Target(Provider Provider, string Model)
{
    public string Name { get; } = $"{Provider.Name}/{Model}";

    /// <summary>How it has fared lately; null for a target that no alias lists, which has no alternative either.</summary>
    public TargetHealth? Health { get; init; }

    /// <inheritdoc cref="TargetHealth.Succeeded"/>
    public void Succeeded(TimeSpan delay)
    {
        Health?.Succeeded(delay);
        Provider.Health.Succeeded(delay);
    }

    /// <inheritdoc cref="TargetHealth.Failed"/>
    public void Failed()
    {
        Health?.Failed();
        Provider.Health.Failed();
    }

    /// <inheritdoc cref="TargetHealth.Outrun"/>
    public void Outrun(TimeSpan delay)
    {
        Health?.Outrun(delay);
        Provider.Health.Outrun(delay);
    }

    /// <inheritdoc cref="TargetHealth.Abandoned"/>
    public void Abandoned() => Health?.Abandoned();
}
