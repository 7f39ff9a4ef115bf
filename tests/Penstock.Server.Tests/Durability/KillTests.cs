using System.Globalization;
using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary>
/// <c>kill -9</c> at random moments under load: what a client saw is still there, unchanged, every generation has one
/// ending, and no id comes twice. <c>PENSTOCK_KILLS</c> sets how many kills there are.
/// </summary>
public sealed class KillTests
{
    private const int ClientsPerKill = 24;

    private static readonly int _kills = int.Parse(Environment.GetEnvironmentVariable("PENSTOCK_KILLS") ?? "8", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Nothing_that_a_client_saw_is_lost_or_changed_by_a_kill()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(4)));
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk"));
        var random = new Random(20_26);
        var witnesses = new List<Witness>();
        for (var kill = 0; kill < _kills; kill++)
        {
            var round = Enumerable.Range(0, ClientsPerKill).Select(i => new Witness(server.Api, $"k{kill}c{i}-{random.Next(5, 300)}", chat: i % 2 == 0)).ToList();
            var watching = round.Select(w => Task.Run(w.WatchAsync)).ToList();
            await Eventually.Is(() => round.Any(w => w.Seen.Count > 0), "the load has begun");
            await Task.Delay(random.Next(0, 700)); // the random moment
            await server.Kill9();
            await Task.WhenAll(watching);
            if (kill % 3 == 1)
            {
                server.Launch(); // and again while it recovers
                await Task.Delay(random.Next(50, 900));
                await server.Kill9();
            }

            await server.StartAsync();
            witnesses.AddRange(round.Where(w => w.Seen.Count > 0));
            foreach (var witness in round.Where(w => w.Seen.Count > 0)) await witness.CheckAsync();
        }

        // Later kills and restarts have changed nothing of what came before them.
        foreach (var witness in witnesses) await witness.CheckAsync();
        witnesses.Select(w => w.Generation).Distinct().Count().ShouldBe(witnesses.Count);
        witnesses.Count(w => w.Interrupted).ShouldBeGreaterThan(_kills); // the kills did hit running generations
    }
}
