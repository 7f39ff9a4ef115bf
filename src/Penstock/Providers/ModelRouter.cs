using Penstock.Protocols;
using Penstock.Providers.Simulated;

namespace Penstock.Providers;

/// <summary>Finds who answers for a model's name: <c>provider/model</c>, <c>provider:model</c>, an alias, or bare where a provider lists it.</summary>
internal sealed class ModelRouter : IDisposable
{
    private readonly Dictionary<string, Provider> _providers = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Route> _aliases = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _defaultModel;
    private LastRoute? _last;

    public ModelRouter(RoutingOptions options, TimeProvider time)
    {
        foreach (var (name, provider) in options.Providers) _providers[name] = new Provider(name, provider, options.OwnTransport, time);
        foreach (var (name, alias) in options.Aliases) _aliases[name] = NewRoute(alias, time);
        _defaultModel = options.DefaultModel;
    }

    /// <exception cref="RequestException">404: nobody answers for that name. 400: the simulated provider does not know a knob.</exception>
    public Route Route(string? model)
    {
        var name = string.IsNullOrEmpty(model) ? _defaultModel : model;
        if (_aliases.TryGetValue(name, out var alias)) return alias;
        // Most requests ask for what the one before asked for, and names are the clients': not all can be kept.
        if (_last is { } last && last.Name == name) return last.Route;
        var route = new Route(Target(name));
        _last = new LastRoute(name, route);
        return route;
    }

    /// <summary>The one name of what may be asked for by several: the alias as it is configured, or <c>provider/model</c>.</summary>
    /// <exception cref="RequestException">As <see cref="Route"/>.</exception>
    public string NameOf(string? model)
    {
        var name = string.IsNullOrEmpty(model) ? _defaultModel : model;
        return _aliases.Keys.FirstOrDefault(alias => alias.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? Target(name).Name;
    }

    /// <summary>The target of that name, which is no alias.</summary>
    /// <exception cref="RequestException">As <see cref="Route"/>.</exception>
    public Target Target(string name)
    {
        var cut = name.AsSpan().IndexOfAny('/', ':');
        if (cut > 0 && cut < name.Length - 1 && _providers.TryGetValue(name[..cut], out var provider))
        {
            var own = name[(cut + 1)..];
            if (provider.IsSimulated) SimulatedModel.Parse(own); // its knobs are ours, so a wrong one may be named
            return new Target(provider, own);
        }

        // SDKs of a provider name its models bare.
        if (_providers.Values.FirstOrDefault(p => p.Options.Models.Contains(name, StringComparer.Ordinal)) is { } lists) return new Target(lists, name);
        throw new RequestException(
            $"The model '{name}' does not exist here. Name it as provider/model with one of the providers {string.Join(", ", _providers.Keys.Order(StringComparer.Ordinal))}; GET /v1/models lists what is offered.")
        {
            Status = 404,
            Param = "model",
            Code = "model_not_found",
        };
    }

    /// <summary>The names to offer: the default, the aliases, and what each provider lists.</summary>
    public IReadOnlyList<string> Models =>
        [.. new[] { _defaultModel }
            .Concat(_aliases.Keys)
            .Concat(_providers.Values.SelectMany(p => p.Options.Models.Select(m => $"{p.Name}/{m}")))
            .Distinct(StringComparer.Ordinal)];

    /// <summary>The providers, by name.</summary>
    public IEnumerable<Provider> Providers => _providers.Values.OrderBy(p => p.Name, StringComparer.Ordinal);

    /// <summary>Whom each alias asks, the first to ask first.</summary>
    public IEnumerable<(string Alias, Target Target)> AliasTargets => _aliases.OrderBy(a => a.Key, StringComparer.Ordinal).SelectMany(a => a.Value.Targets.Select(t => (a.Key, t)));

    public void Dispose()
    {
        foreach (var provider in _providers.Values) provider.Dispose();
    }

    private sealed record LastRoute(string Name, Route Route);

    private Route NewRoute(AliasOptions alias, TimeProvider time) => new(
        [.. alias.Targets
            .Select((options, place) => (Target: Target(options.Model) with { Health = new TargetHealth(time) }, options.Weight, Priority: options.Priority ?? place))
            .GroupBy(t => t.Priority)
            .OrderBy(tier => tier.Key)
            .Select(tier => tier.Select(t => (t.Target, t.Weight)).ToList())])
    {
        GoesOn = alias.AfterOutput is { } policy ? policy == "continue" : null,
        HedgeAfter = alias.HedgeAfter,
        History = alias.History,
    };
}

/// <summary>What the router is made of.</summary>
public sealed class RoutingOptions
{
    public required string DefaultModel { get; init; }

    /// <summary>Whether connections to providers run on Penstock's own event loops, where there is epoll.</summary>
    public bool OwnTransport { get; init; } = true;

    public required IReadOnlyDictionary<string, ProviderOptions> Providers { get; init; }

    /// <summary>Each alias, and who answers for it.</summary>
    public IReadOnlyDictionary<string, AliasOptions> Aliases { get; init; } = new Dictionary<string, AliasOptions>(StringComparer.Ordinal);
}
