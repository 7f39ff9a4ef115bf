using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.Tests.Providers;

public sealed class ModelRouterTests : IDisposable
{
    private readonly ModelRouter _router = new(
        new RoutingOptions
        {
            DefaultModel = "simulated/chat",
            Providers = new Dictionary<string, ProviderOptions>(StringComparer.Ordinal)
            {
                ["simulated"] = new() { Protocol = "simulated", Models = ["chat"] },
                ["groq"] = new() { BaseUrl = "https://localhost/v1", Models = ["mixtral"] },
            },
            Aliases = new Dictionary<string, AliasOptions>(StringComparer.Ordinal) { ["fast"] = new() { Targets = [new TargetOptions { Model = "groq/llama" }] } },
        },
        TimeProvider.System);

    public void Dispose() => _router.Dispose();

    [Theory]
    [InlineData("groq/llama", "groq/llama")]
    [InlineData("groq:llama", "groq/llama")]
    [InlineData("GROQ/llama", "groq/llama")]
    [InlineData("groq/openai/gpt-oss-20b", "groq/openai/gpt-oss-20b")]
    [InlineData("fast", "groq/llama")]
    [InlineData("mixtral", "groq/mixtral")]
    [InlineData(null, "simulated/chat")]
    [InlineData("", "simulated/chat")]
    [InlineData("simulated/chat?cut=40", "simulated/chat?cut=40")]
    public void A_name_finds_its_provider_and_model(string? name, string target) => _router.Route(name).Draw().ShouldHaveSingleItem().Name.ShouldBe(target);

    [Theory]
    [InlineData("gpt-5")]
    [InlineData("openai/gpt-5")]
    [InlineData("groq/")]
    [InlineData("/llama")]
    public void A_name_that_nobody_answers_for_is_a_404_that_names_the_providers(string name)
    {
        var error = Should.Throw<RequestException>(() => _router.Route(name));
        error.Status.ShouldBe(404);
        error.Param.ShouldBe("model");
        error.Code.ShouldBe("model_not_found");
        error.Message.ShouldContain("groq, simulated");
    }

    [Fact]
    public void What_is_offered_is_the_default_the_aliases_and_what_providers_list() =>
        _router.Models.ShouldBe(["simulated/chat", "fast", "groq/mixtral"]);
}
