using System.Globalization;
using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary>
/// <c>kill -9</c> at random moments under running generations of every protocol, in each crash policy, with clients that
/// come back: each generation ends exactly once, and as the policy promises. The simulated model says the same to the same
/// prompt, so what went on is compared to the byte. <c>PENSTOCK_KILLS</c> sets how many kills there are in each policy.
/// </summary>
public sealed class PolicyKillTests(ITestOutputHelper output)
{
    private const int ClientsOfAKind = 3;
    private const string Slow = "simulated/chat?seed=7&tps=300&ttft=20";
    private const string Fast = "simulated/chat?seed=7&tps=0&ttft=0";

    private static readonly int _kills = int.Parse(Environment.GetEnvironmentVariable("PENSTOCK_KILLS") ?? "3", CultureInfo.InvariantCulture);
    private static readonly string[] _prompts = [.. ClientKind.All.Select((_, i) => $"Tell me of river {i}.")];

    [Theory]
    [InlineData("fail")]
    [InlineData("restart")]
    [InlineData("continue")]
    public async Task Each_generation_ends_once_and_as_the_policy_promises(string policy)
    {
        var random = new Random(20_26);
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings().With("Storage:Kind", "disk").With("Generations:OnCrash", policy).With("Generations:Grace", "00:01:00"));
        var whole = new Dictionary<string, string>();
        foreach (var prompt in _prompts) whole[prompt] = (string)(await server.Api.EndedAsync(await server.Api.StartAsync(Fast, prompt)))["text"]!;
        var (generations, hit, resumes) = (new HashSet<string>(), 0, 0);
        for (var kill = 0; kill < _kills; kill++)
        {
            var clients = ClientKind.All.SelectMany((kind, k) => Enumerable.Range(0, ClientsOfAKind).Select(i => new ResumingClient(server.Api, kind, Slow, _prompts[k], $"{policy}-{kill}-{k}-{i}"))).ToList();
            var running = clients.Select(c => Task.Run(c.RunAsync)).ToList();
            await Eventually.Is(() => clients.Any(c => c.Generation.Length > 0), "the load has begun");
            await Task.Delay(random.Next(0, 900)); // the random moment
            await server.Kill9();
            if (kill % 3 == 1)
            {
                server.Launch(); // and again while it recovers
                await Task.Delay(random.Next(50, 900));
                await server.Kill9();
            }

            await server.StartAsync();
            await Eventually.Completes(Task.WhenAll(running), "every client has an ending");
            foreach (var client in clients)
            {
                generations.Add(client.Generation).ShouldBeTrue("a generation of its own");
                hit += await CheckAsync(server.Api, client, policy, whole[client.Prompt]) ? 1 : 0;
                resumes += client.Resumes;
            }
        }

        hit.ShouldBeGreaterThan(0); // the kills did hit running generations
        output.WriteLine($"{policy}: {_kills} kills, {generations.Count} generations, {hit} of them hit, {resumes} resumes");
    }

    /// <returns>Whether a kill hit the generation.</returns>
    private static async Task<bool> CheckAsync(Api api, ResumingClient client, string policy, string whole)
    {
        var about = $"{policy}, {client.Kind}, {client.Generation}";
        var native = await SseClient.AllAsync(api.Events(client.Generation));
        native.Count(View.IsNativeEnding).ShouldBe(1, about);
        View.IsNativeEnding(native[^1]).ShouldBeTrue(about);
        foreach (var events in (List<SseEvent>[])[native, client.Events])
        {
            var places = events.Where(e => e.Id is not null).Select(e => View.Place(e.Id!)).ToList();
            places.Zip(places.Skip(1)).ShouldAllBe(pair => pair.First.CompareTo(pair.Second) < 0, about); // nothing came twice
        }

        var snapshot = await api.SnapshotAsync(client.Generation);
        var (status, text) = ((string)snapshot["status"]!, (string)snapshot["text"]!);
        var type = native[^1].Type();
        type.ShouldBe(status, about);
        var seen = client.Kind.Name == "text" ? text.AsSseText() : text;
        client.Text.ShouldBe(seen, about);
        client.IsWhole.ShouldBe(status == "finished", about);
        if (status == "finished") text.ShouldBe(whole, about);
        if (policy == "fail")
        {
            status.ShouldBeOneOf("finished", "interrupted");
            whole.ShouldStartWith(text, customMessage: about);
            return status == "interrupted";
        }

        status.ShouldBe("finished", about);
        var again = native.Count(e => e.Type() == (policy == "restart" ? "reset" : "attempt"));
        native.Count(e => e.Type() is "reset" or "attempt").ShouldBe(again, about);
        if (policy == "continue") View.NativeText(native).ShouldBe(whole, about);
        return again > 0;
    }
}
