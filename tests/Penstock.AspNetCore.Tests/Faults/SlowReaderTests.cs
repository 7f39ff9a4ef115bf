using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

public sealed class SlowReaderTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Row04_A_subscriber_that_stops_reading_holds_up_nobody(string storage)
    {
        const int Count = 600;
        var big = new string('x', 16 * 1024);
        await using var host = await PenstockHost.StartAsync(Tokens.Script([.. Enumerable.Range(0, Count).Select(i => $"{i}{big}")]), storage);

        var id = await host.Api.StartAsync("up/m");
        using var stalled = await SseClient.OpenAsync(host.Api.Events(id), receiveBuffer: 4096);
        using var reader = await SseClient.OpenAsync(host.Api.Events(id));
        View.NativeText(await reader.RestAsync()).Length.ShouldBe(Enumerable.Range(0, Count).Sum(i => $"{i}".Length + big.Length));
        ((string)(await host.Api.EndedAsync(id))["status"]!).ShouldBe("finished");

        // The provider's connection was not kept waiting either: it takes the next request.
        await host.Api.EndedAsync(await host.Api.StartAsync("up/m"));
        host.Upstream.OpenConnections.ShouldBe(1);

        // The one that stalled lags, and loses nothing.
        var late = await stalled.RestAsync();
        late[^1].Type().ShouldBe("finished");
        late.Count(e => e.Type() == "delta").ShouldBe(Count);
    }
}
