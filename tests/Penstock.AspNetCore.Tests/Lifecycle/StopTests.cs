using System.Net;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

public sealed class StopTests
{
    private static readonly UpstreamScript _endless = Tokens.Script(Tokens.Of("endless", 100_000), TimeSpan.FromMilliseconds(5));

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Stop_from_another_connection_ends_the_answer_for_all_and_at_the_provider(string storage)
    {
        await using var host = await PenstockHost.StartAsync(_endless, storage);
        using var chat = await SseClient.OpenAsync(host.Api.Chat("up/m"));
        await chat.NextAsync();
        using var watcher = await SseClient.OpenAsync(host.Api.Events(chat.Generation));
        await watcher.NextAsync();

        var (status, snapshot) = await host.Api.StopAsync(chat.Generation);
        status.ShouldBe(HttpStatusCode.OK);
        ((string)snapshot!["status"]!).ShouldBe("stopped");
        ((string)snapshot["stopReason"]!).ShouldBe("requested");
        await Eventually.Completes(host.Upstream.Calls.Single().Closed, "the provider's call ends");
        (await watcher.RestAsync())[^1].Type().ShouldBe("stopped");
        var rest = await chat.RestAsync();
        View.IsChatEnding(rest[^1]).ShouldBeTrue();

        // Again, and it changes nothing.
        var (again, same) = await host.Api.StopAsync(chat.Generation);
        again.ShouldBe(HttpStatusCode.OK);
        same!.ToJsonString().ShouldBe(snapshot.ToJsonString());
    }

    [Fact]
    public async Task Stop_while_the_provider_is_silent_works_too()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Hold());
        var id = await host.Api.StartAsync("up/m");
        var call = await host.Upstream.NextCallAsync();
        ((string)(await host.Api.StopAsync(id)).Body!["status"]!).ShouldBe("stopped");
        await Eventually.Completes(call.Closed, "the provider's call ends");
    }

    [Fact]
    public async Task Stop_of_nothing_is_404()
    {
        await using var host = await PenstockHost.StartAsync();
        (await host.Api.StopAsync("gen_0123456789abcdef0123456789abcdef")).Status.ShouldBe(HttpStatusCode.NotFound);
    }
}
