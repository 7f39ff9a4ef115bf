using System.Globalization;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Telemetry;

/// <summary>What runs now. The meter is the process's: what began before the server and ends beside it would count as one less.</summary>
[CollectionDefinition(nameof(RunningTests), DisableParallelization = true)]
[Collection(nameof(RunningTests))]
public sealed class RunningTests
{
    [Fact]
    public async Task What_runs_and_who_reads_is_counted()
    {
        await using var host = await PenstockHost.StartAsync(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("a")]);
            await call.Hold();
        });
        using var client = await SseClient.OpenAsync(host.Api.Chat("up/m"));
        await client.NextAsync();
        using var http = new HttpClient { BaseAddress = host.Url };
        var metrics = (await http.GetStringAsync("metrics")).Split('\n');
        foreach (var series in (string[])["penstock_generations_running ", "penstock_subscribers "])
            double.Parse(metrics.Single(l => l.StartsWith(series, StringComparison.Ordinal))[series.Length..], CultureInfo.InvariantCulture).ShouldBeGreaterThanOrEqualTo(1);
    }
}
