namespace Penstock.Testing;

/// <summary>A server's configuration in a test: keys below <c>Penstock:</c>, as <c>appsettings.json</c> would have them.</summary>
public sealed class PenstockSettings
{
    /// <summary>The key that tests configure for their upstream, which must never show anywhere.</summary>
    public const string ApiKey = "sk-test-7f3a9c-secret";

    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The values by their whole keys.</summary>
    public IReadOnlyDictionary<string, string?> Values => _values;

    public string? this[string key]
    {
        get => _values.GetValueOrDefault($"Penstock:{key}");
        set => _values[$"Penstock:{key}"] = value;
    }

    /// <summary>Runs the server in development, as <c>ASPNETCORE_ENVIRONMENT</c> does.</summary>
    public PenstockSettings InDevelopment() => WithVariable("ASPNETCORE_ENVIRONMENT", "Development");

    /// <summary>A store, and the upstream as the provider <c>up</c>: its models are <c>up/…</c>. What fails is not tried again.</summary>
    public static PenstockSettings For(ScriptedUpstream? upstream = null, string storage = "memory")
    {
        var settings = new PenstockSettings { ["Storage:Kind"] = storage, ["Retry:MaxRetries"] = "0" };
        if (upstream is not null)
        {
            settings["Providers:up:Protocol"] = "chat-completions";
            settings["Providers:up:BaseUrl"] = upstream.BaseUrl;
            settings["Providers:up:ApiKey"] = ApiKey;
        }

        return settings;
    }

    public PenstockSettings With(string key, string value)
    {
        this[key] = value;
        return this;
    }

    /// <summary>Sets a variable of the environment that is not below <c>Penstock:</c>.</summary>
    public PenstockSettings WithVariable(string name, string value)
    {
        _values[name] = value;
        return this;
    }

    /// <summary>Sets <c>Storage:Path</c> to a new folder, which the caller removes.</summary>
    internal string? UseTemporaryFolder()
    {
        if (this["Storage:Path"] is not null) return null;
        var folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        this["Storage:Path"] = folder;
        return folder;
    }
}
