using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>The count of subscribers is of the whole process: another test's that leaves would be taken for this one's.</summary>
[CollectionDefinition(nameof(SlowReaderTests), DisableParallelization = true)]
[Collection(nameof(SlowReaderTests))]
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

    [Fact]
    public async Task A_reader_that_takes_nothing_for_long_is_cut_off_and_can_resume()
    {
        const int Count = 2000;
        var big = new string('x', 16 * 1024);
        await using var host = await PenstockHost.StartAsync(
            Tokens.Script([.. Enumerable.Range(0, Count).Select(i => $"{i}{big}")]), settings: [("Streams:StalledReader", "00:00:00.5"), ("Streams:Heartbeat", "00:00:00.1")]);
        var id = await host.Api.StartAsync("up/m");
        using var stalled = await SseClient.OpenAsync(host.Api.Events(id), receiveBuffer: 4096);
        var events = new List<SseEvent> { (await stalled.NextAsync())!, (await stalled.NextAsync())! };
        await host.Api.EndedAsync(id);
        await Eventually.Is(async () => await ReadersAsync(host) == 0, "it is cut off");
        await Should.ThrowAsync<IOException>(async () =>
        {
            while (await stalled.NextAsync() is { } e) events.Add(e);
        });
        events.Count.ShouldBeLessThan(Count);

        while (events[^1].Type() != "finished")
        {
            try
            {
                using var back = await SseClient.OpenAsync(host.Api.Events(id).With("Last-Event-ID", events[^1].Id!));
                while (await back.NextAsync() is { } e) events.Add(e);
            }
            catch (IOException)
            {
                // A machine that is busy for half a second is a stalled reader, too.
            }
        }

        events.Count(e => e.Type() == "delta").ShouldBe(Count);
        events.Select(e => e.Id).Distinct().Count().ShouldBe(events.Count);
        events[^1].Type().ShouldBe("finished");
    }

    [Theory]
    [InlineData("document", "v1/chat/completions")]
    [InlineData("snapshot", "v1/generations/{id}")]
    [InlineData("snapshot and tail", "v1/generations/{id}/events?snapshot=true")]
    [InlineData("several together", "v1/generations/events?streams={id}")]
    [InlineData("stream", "v1/stream/long")]
    [InlineData("stream by long-poll", "v1/stream/long?offset=-1&live=long-poll")]
    [InlineData("stream by SSE", "v1/stream/long?offset=-1&live=sse")]
    public async Task Whatever_is_read_a_reader_that_takes_nothing_for_long_is_cut_off(string what, string address)
    {
        var big = new string('x', 16 * 1024);
        await using var host = await PenstockHost.StartAsync(
            Tokens.Script([.. Enumerable.Repeat(big, what == "document" ? 400 : 1000)]), settings: [("Streams:StalledReader", "00:00:00.5"), ("Streams:Heartbeat", "00:00:00.1")]);
        var request = what == "document" ? host.Api.Chat("up/m", stream: false) : host.Api.Get(address);
        if (address.Contains("{id}", StringComparison.Ordinal))
        {
            var id = await host.Api.StartAsync("up/m");
            await host.Api.EndedAsync(id);
            request = host.Api.Get(address.Replace("{id}", id, StringComparison.Ordinal));
        }
        else if (what != "document")
        {
            (await Api.SendTextAsync(new RawRequest(host.Api.Url("v1/stream/long"), "PUT").With("Content-Type", "text/plain"))).Status.ShouldBe(System.Net.HttpStatusCode.Created);
            for (var i = 0; i < 16; i++)
                (await Api.SendTextAsync(new RawRequest(host.Api.Url("v1/stream/long"), "POST", string.Concat(Enumerable.Repeat(big, 64))).With("Content-Type", "text/plain"))).Status.ShouldBe(System.Net.HttpStatusCode.NoContent);
        }

        using var stalled = await RawReply.SendAsync(request, receiveBuffer: 4096);
        stalled.Status.ShouldBe(200);
        await Eventually.Is(() => stalled.IsReset, "it is cut off");
    }

    [Fact]
    public async Task A_reader_that_is_slow_but_reads_is_not_cut_off()
    {
        const int Count = 400;
        var big = new string('x', 16 * 1024);
        await using var host = await PenstockHost.StartAsync(
            Tokens.Script([.. Enumerable.Range(0, Count).Select(i => $"{i}{big}")]), settings: [("Streams:StalledReader", "00:00:10"), ("Streams:Heartbeat", "00:00:00.1")]);
        using var slow = await SseClient.OpenAsync(host.Api.Events(await host.Api.StartAsync("up/m")), receiveBuffer: 4096);
        var deltas = 0;
        while (await slow.NextAsync() is { } e)
        {
            deltas += e.Type() == "delta" ? 1 : 0;
            if (deltas % 40 == 0) await Task.Delay(100); // its pace
        }

        deltas.ShouldBe(Count);
    }

    private static async Task<int> ReadersAsync(PenstockHost host)
    {
        using var reply = await RawReply.SendAsync(host.Api.Get("metrics"));
        var line = (await reply.TextAsync()).Split('\n').FirstOrDefault(l => l.StartsWith("penstock_subscribers ", StringComparison.Ordinal));
        return line is null ? 0 : int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
