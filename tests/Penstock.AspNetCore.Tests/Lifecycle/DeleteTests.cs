using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>A generation is forgotten, whatever protocol it was asked for in.</summary>
public sealed class DeleteTests
{
    [Theory]
    [InlineData("memory", "chat")]
    [InlineData("disk", "chat")]
    [InlineData("memory", "messages")]
    [InlineData("memory", "native")]
    [InlineData("memory", "responses")]
    public async Task One_that_has_ended_leaves_nothing_and_may_be_deleted_twice(string storage, string surface)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), storage, ("Generations:OnCrash", "restart"));
        var id = await StartAsync(host, surface);
        await host.Api.EndedAsync(id);
        var log = host.Services.GetRequiredService<IStreamLog>();
        (await log.GetAsync($"requests/{id}")).ShouldNotBeNull(); // kept for a restart
        (await DeleteAsync(host, id)).ShouldBe((HttpStatusCode.NoContent, ""));
        (await DeleteAsync(host, id)).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(host.Api.Get($"v1/generations/{id}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendTextAsync(host.Api.Events(id))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendTextAsync(host.Api.Get("v1/generations"))).Body.ShouldNotContain(id);
        (await log.ListAsync().Where(s => s.Path.Contains(id, StringComparison.Ordinal)).ToListAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_runs_is_stopped_and_who_watches_it_is_told()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(TimeSpan.FromMilliseconds(5)));
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m", "a-100000"));
        for (var i = 0; i < 5; i++) await client.NextAsync();
        (await DeleteAsync(host, $"chatcmpl-{client.Generation["gen_".Length..]}")).Status.ShouldBe(HttpStatusCode.NoContent);
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the provider's call ends");
        (await client.RestAsync())[^1].Data.ShouldSatisfyAllConditions(d => (d == "[DONE]" || d.Contains("stream_gone", StringComparison.Ordinal)).ShouldBeTrue(d));
        (await Api.SendAsync(host.Api.Get($"v1/generations/{client.Generation}"))).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_job_goes_by_its_name_and_its_name_stands_for_nothing_then()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        RawRequest Ask() => host.Api.Post("ask", new JsonObject { ["query"] = "a-3", ["uuid"] = "the-job" });
        await Api.SendAsync(Ask());
        var first = (string)(await host.Api.EndedAsync("the-job"))["id"]!;
        (await DeleteAsync(host, "the-job")).Status.ShouldBe(HttpStatusCode.NoContent);
        (await DeleteAsync(host, "the-job")).Status.ShouldBe(HttpStatusCode.NotFound);
        await Api.SendAsync(Ask());
        ((string)(await host.Api.EndedAsync("the-job"))["id"]!).ShouldNotBe(first);
    }

    [Fact]
    public async Task Another_owners_stays_and_nobody_learns_of_it()
    {
        TestKey alice = TestKey.For("alice"), bob = TestKey.For("bob");
        await using var host = await TestKeys.StartAsync(alice, bob);
        using var reply = await RawReply.SendAsync(host.Api.Chat("up/m", "a-3").By(alice));
        await reply.TextAsync();
        var id = reply.Headers["Penstock-Generation"];
        foreach (var name in (string[])[id, "gen_0123456789abcdef0123456789abcdef", "nobodys-job"])
            (await new RawRequest(host.Api.Url($"v1/generations/{name}"), "DELETE").By(bob).TextAsync()).ShouldStartWith("404");
        (await host.Api.Get($"v1/generations/{id}").By(alice).TextAsync()).ShouldStartWith("200");
    }

    private static Task<(HttpStatusCode Status, string Body)> DeleteAsync(PenstockHost host, string name) =>
        Api.SendTextAsync(new RawRequest(host.Api.Url($"v1/generations/{name}"), "DELETE"));

    private static async Task<string> StartAsync(PenstockHost host, string surface)
    {
        using var reply = await RawReply.SendAsync(surface switch
        {
            "chat" => host.Api.Chat("up/m", "a-3"),
            "messages" => host.Api.Messages("up/m", "a-3"),
            "native" => host.Api.Native("up/m", "a-3"),
            _ => host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = "a-3" }),
        });
        await reply.TextAsync();
        return reply.Headers["Penstock-Generation"];
    }
}
