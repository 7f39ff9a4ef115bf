using Microsoft.Extensions.Configuration;
using Penstock.AspNetCore.Configuration;
using Penstock.Providers;

namespace Penstock.AspNetCore.Tests.Configuration;

public sealed class WellKnownProvidersTests
{
    [Fact]
    public void With_no_key_the_simulated_provider_answers()
    {
        var options = Configure([]);
        options.Providers.Keys.ShouldBe(["simulated"]);
        options.DefaultModel.ShouldBe("simulated/chat");
    }

    [Fact]
    public void A_key_in_the_environment_brings_its_provider_and_makes_it_the_default()
    {
        var options = Configure(new() { ["GROQ_API_KEY"] = "k" });
        options.Providers["groq"].ApiKey.ShouldBe("k");
        options.DefaultModel.ShouldStartWith("groq/");
    }

    [Fact]
    public void Anthropic_is_spoken_to_in_its_own_protocol()
    {
        var provider = Configure(new() { ["ANTHROPIC_API_KEY"] = "k" }).Providers["anthropic"];
        (provider.Protocol, provider.BaseUrl).ShouldBe(("messages", "https://api.anthropic.com"));
    }

    [Fact]
    public void Gemini_takes_its_address_and_model_from_the_environment_too()
    {
        var options = Configure(new() { ["GEMINI_API_KEY"] = "k", ["GEMINI_BASE_URL"] = "http://localhost:1/v1", ["GEMINI_MODEL_NAME"] = "gemini-x" });
        options.Providers["gemini"].BaseUrl.ShouldBe("http://localhost:1/v1");
        options.DefaultModel.ShouldBe("gemini/gemini-x");
    }

    [Theory]
    [InlineData(null, "gemini", "https://generativelanguage.googleapis.com/v1beta")]
    [InlineData("http://localhost:1/v1beta/openai/", "chat-completions", "http://localhost:1/v1beta/openai/")]
    public void Gemini_speaks_its_own_protocol_except_at_its_compatible_endpoint(string? url, string protocol, string address)
    {
        var gemini = Configure(new() { ["GEMINI_API_KEY"] = "k", ["GEMINI_BASE_URL"] = url }).Providers["gemini"];
        gemini.Protocol.ShouldBe(protocol);
        gemini.BaseUrl.ShouldBe(address);
    }

    [Fact]
    public void The_configuration_outranks_the_environment()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["OPENAI_API_KEY"] = "k",
            ["Penstock:DefaultModel"] = "openai/mine",
        }).Build();
        var options = new PenstockOptions { DefaultModel = "openai/mine" };
        options.Providers["openai"] = new ProviderOptions { BaseUrl = "http://localhost:1/v1" };
        WellKnownProviders.Add(options, configuration);
        options.Providers["openai"].ApiKey.ShouldBeNull();
        options.DefaultModel.ShouldBe("openai/mine");
    }

    [Theory]
    [InlineData("localhost", "http://localhost:11434/v1")]
    [InlineData("0.0.0.0", "http://localhost:11434/v1")]
    [InlineData("10.0.0.1:8080", "http://10.0.0.1:8080/v1")]
    [InlineData("http://ollama", "http://ollama:11434/v1")]
    [InlineData("https://ollama.example", "https://ollama.example/v1")]
    public void Ollama_is_found_by_its_own_variable(string host, string url) =>
        Configure(new() { ["OLLAMA_HOST"] = host }).Providers["ollama"].BaseUrl.ShouldBe(url);

    private static PenstockOptions Configure(Dictionary<string, string?> environment)
    {
        var options = new PenstockOptions();
        WellKnownProviders.Add(options, new ConfigurationBuilder().AddInMemoryCollection(environment).Build());
        return options;
    }
}
