namespace Penstock.AspNetCore.Configuration;

/// <summary>
/// The keys that there are below <c>Penstock:</c>, and what each holds. The binder passes over a key that it does not know; this
/// is how one that is misspelt is found. A test compares it with the options.
/// </summary>
internal static class ConfigurationKeys
{
    // A star stands for any name, or for a place in a list.
    public const string Table = """
        DefaultModel text
        Transport text
        Providers:*:Protocol text
        Providers:*:BaseUrl text
        Providers:*:ApiVersion text
        Providers:*:ApiKey text
        Providers:*:Window whole
        Providers:*:Windows:* whole
        Providers:*:Models:* text
        Providers:*:ConnectTimeout time
        Providers:*:FirstTokenTimeout time
        Providers:*:IdleTimeout time
        Providers:*:TotalTimeout time
        Providers:*:ContinuesPrefix flag
        Providers:*:MaxLineLength count
        Models:*:Targets:* text
        Models:*:Targets:*:Model text
        Models:*:Targets:*:Priority count
        Models:*:Targets:*:Weight number
        Models:*:AfterOutput text
        Models:*:HedgeAfter time
        Models:*:History:Policy text
        Models:*:History:SummaryModel text
        Retry:MaxRetries count
        Retry:BaseDelay time
        Retry:MaxDelay time
        Retry:AfterOutput text
        Storage:Kind text
        Storage:Path text
        Storage:Commit text
        Storage:Retention time
        Storage:MaxStreamBytes whole
        Storage:Redis text
        Storage:RedisOutage time
        Storage:MaxMemoryBytes whole
        Storage:MaxDiskBytes whole
        Streams:Heartbeat time
        Streams:StalledReader time
        Streams:LongPollTimeout time
        Streams:KeepFor time
        Streams:KeepBytes whole
        Streams:MaxPerOwner whole
        Streams:MaxBytesPerOwner whole
        Generations:OnCrash text
        Generations:OnDisconnect text
        Generations:Grace time
        Generations:MaxRunning count
        Generations:ShutdownTimeout time
        Cache:MaxAge time
        History:Policy text
        History:SummaryModel text
        History:SummaryTimeout time
        Conversations:KeepFor time
        Conversations:MaxPerOwner whole
        Conversations:MaxBytesPerOwner whole
        Queue:Kind text
        Queue:RabbitMq text
        Queue:Role text
        Queue:MaxLength whole
        Queue:WhenFull text
        Filters:*:Name text
        Filters:*:Pattern text
        Filters:*:Builtin text
        Filters:*:Action text
        Tools:MaxSteps count
        Tools:MaxTime time
        Tools:MaxTokens whole
        Tools:ApprovalTimeout time
        Mcp:Servers:*:Command text
        Mcp:Servers:*:Args:* text
        Mcp:Servers:*:Env:* text
        Mcp:Servers:*:Url text
        Mcp:Servers:*:Headers:* text
        Mcp:Servers:*:Tools:* text
        Mcp:Servers:*:Models:* text
        Mcp:Servers:*:Idempotent:* text
        Mcp:Servers:*:Approval:* text
        Mcp:Servers:*:Timeout time
        Mcp:Servers:*:ConnectTimeout time
        Mcp:Servers:*:MaxResultLength count
        Limits:MaxBodyBytes whole
        Limits:ReservedTokens whole
        Limits:PerKey limits
        Limits:PerOwner limits
        Limits:Owners:* limits
        Limits:Prices:*:Model text
        Limits:Prices:*:Input number
        Limits:Prices:*:Output number
        Limits:Prices:*:CachedInput number
        Limits:Prices:*:Reasoning number
        Cors:Origins:* text
        Auth:Open flag
        Auth:KeyFile text
        Auth:Keys:*:Hash text
        Auth:Keys:*:Owner text
        Auth:Keys:*:Admin flag
        Auth:Keys:*:Models:* text
        Auth:Keys:*:Endpoints:* text
        Auth:Keys:*:Priority text
        Auth:Keys:*:CacheMaxAge time
        Auth:Keys:*:ExpiresAt date
        Auth:Keys:*:Limits limits
        Auth:Jwt:Issuer text
        Auth:Jwt:Audience text
        Auth:Jwt:Keys text
        Auth:Jwt:OwnerClaim text
        Auth:Jwt:ScopeClaim text
        Auth:Jwt:RefreshInterval time
        Auth:TicketLifetime time
        """;

    private const string Limits = """
        RequestsPerMinute whole
        TokensPerMinute whole
        Streams whole
        TokensPerStream whole
        SecondsPerStream whole
        BudgetPerDay number
        BudgetPerMonth number
        """;

    /// <summary>The section <c>Penstock</c> itself.</summary>
    public static ConfigurationKey Root()
    {
        var root = new ConfigurationKey();
        foreach (var (path, kind) in Lines(Table))
        {
            if (kind != "limits") root.Add(path, kind);
            else foreach (var (limit, kindOfLimit) in Lines(Limits)) root.Add($"{path}:{limit}", kindOfLimit);
        }

        return root;
    }

    private static IEnumerable<(string Path, string Kind)> Lines(string table) =>
        from line in table.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        let space = line.IndexOf(' ', StringComparison.Ordinal)
        select (line[..space], line[(space + 1)..]);
}

/// <summary>A key, or a section of them.</summary>
internal sealed class ConfigurationKey
{
    private readonly Dictionary<string, ConfigurationKey> _below = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What it holds; null for a section or a list.</summary>
    public string? Kind { get; private set; }

    public IReadOnlyCollection<string> Names => _below.Keys;

    /// <summary>Whether what is below it has names of the user's own, or places.</summary>
    public bool TakesAnyName => _below.ContainsKey("*");

    public ConfigurationKey? this[string name] => _below.GetValueOrDefault(name) ?? _below.GetValueOrDefault("*");

    public void Add(string path, string kind)
    {
        var (name, rest) = path.Split(':', 2) is [var first, var more] ? (first, more) : (path, null);
        if (!_below.TryGetValue(name, out var next)) _below[name] = next = new ConfigurationKey();
        if (rest is null) next.Kind = kind;
        else next.Add(rest, kind);
    }

    /// <summary>All keys below it, with what they hold.</summary>
    public IEnumerable<(string Path, string Kind)> All() =>
        from key in _below
        from found in (key.Value.Kind is { } kind ? [(key.Key, kind)] : Array.Empty<(string, string)>()).Concat(key.Value.All().Select(k => ($"{key.Key}:{k.Path}", k.Kind)))
        select found;
}
