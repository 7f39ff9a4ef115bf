using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests;

/// <summary>Penstock in somebody's own app, which has routes, a fallback and services of its own.</summary>
public sealed class EmbeddingTests
{
    [Fact]
    public async Task The_app_keeps_its_own_routes_and_fallback()
    {
        await using var app = NewApp(("Penstock:Storage:Kind", "memory"));
        app.MapGet("/", () => "home");
        app.MapGet("/v1/mine", () => "mine");
        app.MapPenstock();
        app.MapFallback(() => "page");
        await app.StartAsync();
        var api = new Api(new Uri(app.Urls.First()));

        (await Api.SendTextAsync(api.Get(""))).Body.ShouldBe("home");
        (await Api.SendTextAsync(api.Get("v1/mine"))).Body.ShouldBe("mine");
        (await Api.SendTextAsync(api.Get("some/page"))).Body.ShouldBe("page");
        (await Api.SendTextAsync(api.Get("healthz"))).Body.ShouldBe("ok");
        var generation = await api.StartAsync("simulated/chat?tokens=3&tps=0&ttft=0");
        ((string)(await api.EndedAsync(generation))["status"]!).ShouldBe("finished");
    }

    [Fact]
    public async Task Below_a_path_of_the_app_it_works_the_same()
    {
        await using var app = NewApp(("Penstock:Storage:Kind", "memory"));
        app.UsePathBase("/ai");
        app.UseRouting();
        app.MapPenstock();
        await app.StartAsync();
        var api = new Api(new Uri(app.Urls.First() + "/ai/"));
        var generation = await api.StartAsync("simulated/chat?tokens=3&tps=0&ttft=0");
        ((string)(await api.EndedAsync(generation))["text"]!).Length.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task What_is_wrong_or_forgotten_is_said()
    {
        await using var wrong = NewApp(("Penstock:Storage:Kind", "paper"));
        (await Should.ThrowAsync<OptionsValidationException>(() =>
        {
            wrong.MapPenstock();
            return wrong.StartAsync();
        })).Message.ShouldContain("Penstock:Storage:Kind");

        await using var bare = WebApplication.CreateSlimBuilder().Build();
        Should.Throw<InvalidOperationException>(() => bare.MapPenstock()).Message.ShouldContain("builder.Services.AddPenstock(builder.Configuration)");
    }

    private static WebApplication NewApp(params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.Sources.Clear(); // the machine's environment is not part of a test
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value, StringComparer.Ordinal));
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddPenstock(builder.Configuration);
        return builder.Build();
    }
}
