using Penstock.Testing;

namespace Penstock.Server.Tests.Durability;

/// <summary>Two hundred clients lose their connections again and again, and end with what an uncut client got.</summary>
public sealed class CutTests
{
    private const int Clients = 200;
    private const int CutsEach = 5;

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Two_hundred_clients_cut_at_random_points_end_with_the_same_text(string storage)
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(8)));
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, storage).With("DefaultModel", "up/m"));

        var cuts = await Task.WhenAll(Enumerable.Range(0, Clients).Select(i => Task.Run(() => RunAsync(server.Api, i))));

        // That cuts happened is part of what was tested. A busy machine sends more at once, and leaves less to cut.
        cuts.Average().ShouldBeGreaterThan(CutsEach * 0.6);
        cuts.Min().ShouldBeGreaterThan(0);
        server.Log.ShouldNotContain("fail:");
        server.Log.ShouldNotContain("Exception");
    }

    private static async Task<int> RunAsync(Api api, int i)
    {
        var random = new Random(i);
        var prompt = $"client{i}-{random.Next(200, 320)}";
        var expected = string.Concat(Tokens.OfPrompt(prompt));
        Transcript got;
        switch (i % 3)
        {
            case 0:
                // The uncut client reads beside the cut one.
                var id = await api.StartAsync("up/m", prompt);
                var uncut = SseClient.AllAsync(api.Events(id));
                got = await CutClient.ReadAsync(api.Events(id), random, CutsEach, View.IsNativeEnding);
                View.NativeText(got.Events).ShouldBe(expected, $"client {i}");
                got.Events.Select(e => e.Raw).ShouldBe((await uncut).Select(e => e.Raw));
                break;
            case 1:
                var request = api.Chat("up/m", prompt).With("Idempotency-Key", prompt);
                got = await CutClient.ReadAsync(request, random, CutsEach, View.IsChatEnding);
                View.ChatText(got.Events).ShouldBe(expected, $"client {i}");
                View.IsDone(got.Events[^1]).ShouldBeTrue();
                got.Events.Select(e => e.Raw).ShouldBe((await SseClient.AllAsync(request)).Select(e => e.Raw));
                got.Generations.ShouldHaveSingleItem();
                break;
            default:
                got = await CutClient.ReadAsync(api.ChatStream("up/m", prompt), random, CutsEach, View.IsDone);
                View.TokenText(got.Events).ShouldBe(expected.AsSseText(), $"client {i}");
                break;
        }

        var places = got.Events.Select(e => View.Place(e.Id!)).ToList();
        places.Zip(places.Skip(1)).ShouldAllBe(pair => pair.First.CompareTo(pair.Second) < 0);
        return got.Cuts;
    }
}
