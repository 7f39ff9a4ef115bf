namespace Penstock.Providers;

/// <summary>A provider and its own name for one of its models.</summary>
internal sealed record Target(Provider Provider, string Model)
{
    public string Name { get; } = $"{Provider.Name}/{Model}";

    /// <summary>How it has fared lately; null for a target that no alias lists, which has no alternative either.</summary>
    public TargetHealth? Health { get; init; }
}
