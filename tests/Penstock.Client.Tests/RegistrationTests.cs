using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Penstock.Testing;

namespace Penstock.Client.Tests;

public sealed class RegistrationTests
{
    [Fact]
    public async Task Clients_come_from_the_container_plain_and_by_key()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var asked = new List<string>();
        var services = new ServiceCollection();
        services.AddPenstockClient(o => (o.BaseAddress, o.DefaultModel) = (server.Url, "simulated/chat?tokens=5&tps=0&ttft=0"));
        services.AddKeyedPenstockClient("fast", o => (o.BaseAddress, o.ApiKey, o.DefaultModel) = (server.Url, "pk_1", "simulated/chat?tokens=7&tps=0&ttft=0"))
            .AddHttpMessageHandler(() => new Spy(asked));
        await using var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });

        var plain = provider.GetRequiredService<IChatClient>();
        var fast = provider.GetRequiredKeyedService<IChatClient>("fast");
        (await plain.GetResponseAsync("Hi")).Usage!.OutputTokenCount.ShouldBe(5);
        (await fast.GetResponseAsync("Hi")).Usage!.OutputTokenCount.ShouldBe(7);
        asked.ShouldNotBeEmpty();
        asked.ShouldAllBe(key => key == "Bearer pk_1");
        fast.GetService<PenstockClient>().ShouldBeSameAs(provider.GetRequiredKeyedService<PenstockClient>("fast"));
        plain.GetService<ChatClientMetadata>()!.DefaultModelId.ShouldBe("simulated/chat?tokens=5&tps=0&ttft=0");
    }

    [Fact]
    public async Task Wrong_options_stop_the_start_with_a_sentence()
    {
        await FailsAsync(o => o.BaseAddress = new Uri("/v1", UriKind.Relative), "BaseAddress must be an absolute http or https URL");
        await FailsAsync(o => o.MaxOutage = TimeSpan.Zero, "MaxOutage must be longer than zero");
        await FailsAsync(o => o.ApiKey = "two words", "ApiKey must be printable ASCII");
        Should.Throw<ArgumentException>(() => new PenstockClient(new PenstockClientOptions { BaseAddress = new Uri("ftp://example.com") })).Message.ShouldContain("BaseAddress");

        static async Task FailsAsync(Action<PenstockClientOptions> configure, string words)
        {
            var builder = Host.CreateEmptyApplicationBuilder(null);
            builder.Services.AddPenstockClient(configure);
            using var host = builder.Build();
            (await Should.ThrowAsync<OptionsValidationException>(host.StartAsync())).Message.ShouldContain(words);
        }
    }

    private sealed class Spy(List<string> asked) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            lock (asked) asked.Add(request.Headers.Authorization!.ToString());
            return base.SendAsync(request, cancellationToken);
        }
    }
}
