using Microsoft.Extensions.Configuration;
using Penstock.Providers;
using Penstock.Providers.Simulated;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Providers that appear by themselves when their key is in the environment, unless the configuration names them.</summary>
internal static class WellKnownProviders
{
    // Each model is the provider's small one.
    private static readonly (string Name, string Key, string Protocol, string BaseUrl, string Model)[] _known =
    [
        ("openai", "OPENAI_API_KEY", "chat-completions", "https://api.openai.com/v1", "gpt-5-mini"),
        ("anthropic", "ANTHROPIC_API_KEY", "messages", "https://api.anthropic.com", "claude-haiku-4-5"),
        ("gemini", "GEMINI_API_KEY", "gemini", "https://generativelanguage.googleapis.com/v1beta", "gemini-2.5-flash"),
        ("groq", "GROQ_API_KEY", "chat-completions", "https://api.groq.com/openai/v1", "llama-3.1-8b-instant"),
    ];

    public static void Add(PenstockOptions options, IConfiguration configuration)
    {
        string? first = null;
        foreach (var (name, key, protocol, baseUrl, model) in _known)
        {
            if (configuration[key] is not { Length: > 0 } apiKey || options.Providers.ContainsKey(name)) continue;
            var upper = name.ToUpperInvariant();
            var named = configuration[$"{upper}_MODEL_NAME"] is { Length: > 0 } other ? other : model;
            var address = configuration[$"{upper}_BASE_URL"] is { Length: > 0 } url ? url : baseUrl;
            options.Providers[name] = new ProviderOptions
            {
                // Gemini's compatible endpoint stands beneath its own.
                Protocol = address.TrimEnd('/').EndsWith("/openai", StringComparison.Ordinal) ? "chat-completions" : protocol,
                ApiKey = apiKey,
                BaseUrl = address,
                Models = [named],
            };
            first ??= $"{name}/{named}";
        }

        if (configuration["OLLAMA_HOST"] is { Length: > 0 } host && !options.Providers.ContainsKey("ollama"))
            options.Providers["ollama"] = new ProviderOptions { BaseUrl = OllamaUrl(host) };
        if (!options.Providers.ContainsKey("simulated"))
            options.Providers["simulated"] = new ProviderOptions { Protocol = "simulated", Models = [.. SimulatedModel.Offered] };
        if (first is not null && configuration[$"{PenstockOptions.Section}:DefaultModel"] is null) options.DefaultModel = first;
    }

    // Ollama's own variable may be a host, a host and port, or a URL.
    private static string OllamaUrl(string host)
    {
        var url = new UriBuilder(host.Contains("://", StringComparison.Ordinal) ? host : $"http://{host}");
        if (url.Uri.IsDefaultPort && !host.EndsWith(":80", StringComparison.Ordinal) && url.Scheme == "http") url.Port = 11434;
        if (url.Host == "0.0.0.0") url.Host = "localhost"; // what it listens on, not what to call
        return $"{url.Uri.GetLeftPart(UriPartial.Authority)}/v1";
    }
}
