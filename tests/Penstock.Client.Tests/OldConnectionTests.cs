using Penstock.Testing;

namespace Penstock.Client.Tests;

public sealed class OldConnectionTests
{
    [Fact]
    public async Task Through_a_proxy_that_cuts_each_connection_after_5_seconds_an_answer_of_12_comes_whole()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        await using var proxy = new CuttingProxy(server.Url) { MaxAge = TimeSpan.FromSeconds(5) };
        using var client = proxy.Through();
        var run = await client.StartAsync("long", "simulated/chat?tokens=240&tps=20");
        await (await run.ReadAsync()).ShouldBeWholeAsync(server);
        proxy.Cuts.ShouldBeGreaterThanOrEqualTo(2);
    }
}
