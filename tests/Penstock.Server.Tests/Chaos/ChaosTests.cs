using System.Diagnostics;
using System.Globalization;
using Penstock.Server.Tests.Durability;
using Penstock.Testing;

namespace Penstock.Server.Tests.Chaos;

/// <summary>
/// Everything dies, freezes and is cut off in turn under load, with clients of every protocol that come back by their ids.
/// Each generation ends once, each client gets each token once and in order, and each text is what the simulated model says
/// when nothing happens. <c>PENSTOCK_CHAOS</c> sets how many generations there are, <c>PENSTOCK_CHAOS_SEED</c> repeats a script.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const string Fast = "simulated/chat?seed=7&tokens=200&tps=0&ttft=0";

    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(4); // four heartbeats
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(3);
    private static readonly int? _long = Environment.GetEnvironmentVariable("PENSTOCK_CHAOS") is { } count ? int.Parse(count, CultureInfo.InvariantCulture) : null;
    private static readonly (int Clients, int Speed) _load = _long is null ? (30, 40) : (50, 20);
    private static readonly string _model = $"simulated/chat?seed=7&tokens=200&tps={_load.Speed}&ttft=50";
    private static readonly string[] _prompts = [.. Enumerable.Range(0, 12).Select(i => $"Tell me of river {i}.")];

    [Fact]
    public async Task Whatever_dies_every_generation_ends_once_and_every_text_is_whole()
    {
        var seed = Environment.GetEnvironmentVariable("PENSTOCK_CHAOS_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        await using var net = await ChaosNet.StartAsync();
        var whole = new Dictionary<string, string>();
        foreach (var prompt in _prompts) whole[prompt] = (string)(await net.Api.EndedAsync(await net.Api.StartAsync(Fast, prompt)))["text"]!;

        var record = new ChaosRecord();
        var script = new ChaosScript(net, record, seed, isLong: _long is not null, withEngines: true);
        var second = _long is null ? null : new ChaosScript(net, record, ~seed, isLong: true, withEngines: false);
        var watch = Stopwatch.StartNew();
        var clients = new List<ResumingClient>();
        try
        {
            // As many generations as are to be, and more until everything was done once.
            bool GoesOn() => clients.Count < (_long ?? _load.Clients) || script.Done < script.Round;
            var loops = Enumerable.Range(0, _load.Clients).Select(_ => Task.Run(async () =>
            {
                while (GoesOn()) await NewClient(clients, net.Api, seed).RunAsync();
            })).ToList();
            var load = Task.WhenAll(loops);
            bool IsLoaded() => !load.IsCompleted && GoesOn();
            await Task.WhenAll(script.RunAsync(IsLoaded), second?.RunAsync(IsLoaded) ?? Task.CompletedTask);
            await net.IsReadyAsync();
            await Eventually.Completes(load, "every client has an ending", _patience);
            var took = watch.Elapsed;

            var again = 0;
            foreach (var client in clients) again += await CheckAsync(net.Api, client, whole[client.Prompt]);
            clients.Select(c => c.Generation).Distinct().Count().ShouldBe(clients.Count);
            again.ShouldBeGreaterThan(0); // the kills did hit running generations
            output.WriteLine($"seed {seed}, {took.TotalSeconds:0} s: {record.Counts}; {clients.Count} generations, gone on with {again} times, {clients.Sum(c => c.Resumes)} resumes");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}\nPENSTOCK_CHAOS_SEED={seed}; the nodes' logs are in {await KeepAsync(net, record, seed)}", e);
        }
    }

    private static ResumingClient NewClient(List<ResumingClient> clients, Api api, int seed)
    {
        lock (clients)
        {
            var i = clients.Count;
            clients.Add(new ResumingClient(api, ClientKind.All[i % ClientKind.All.Length], _model, _prompts[i % _prompts.Length], $"{seed}-{i}", _silence));
            return clients[^1];
        }
    }

    /// <returns>How often another worker went on with it.</returns>
    private static async Task<int> CheckAsync(Api api, ResumingClient client, string whole)
    {
        var about = $"{client.Kind}, {client.Generation}";
        var native = await SseClient.AllAsync(api.Events(client.Generation));
        native.Count(View.IsNativeEnding).ShouldBe(1, about);
        native[^1].Type().ShouldBe("finished", about);
        foreach (var events in (List<SseEvent>[])[native, client.Events])
        {
            var places = events.Where(e => e.Id is not null).Select(e => View.Place(e.Id!)).ToList();
            places.Zip(places.Skip(1)).ShouldAllBe(pair => pair.First.CompareTo(pair.Second) < 0, about); // nothing came twice
        }

        client.Events.Where(client.Kind.Ends).Count().ShouldBe(1, about);
        client.IsWhole.ShouldBeTrue(about);
        client.Text.ShouldBe(client.Kind.Name == "text" ? whole.AsSseText() : whole, about);
        View.NativeText(native).ShouldBe(whole, about);
        ((string)(await api.SnapshotAsync(client.Generation))["text"]!).ShouldBe(whole, about);
        return native.Count(e => e.Type() == "attempt");
    }

    private static async Task<string> KeepAsync(ChaosNet net, ChaosRecord record, int seed)
    {
        var folder = Directory.CreateTempSubdirectory($"penstock-chaos-{seed}-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "script.log"), record.Lines);
        await File.WriteAllTextAsync(Path.Combine(folder, "rabbitmq.log"), net.Rabbit.Log);
        foreach (var node in net.Nodes) await File.WriteAllTextAsync(Path.Combine(folder, $"{node.Name}.log"), node.Process.Log);
        return folder;
    }
}
