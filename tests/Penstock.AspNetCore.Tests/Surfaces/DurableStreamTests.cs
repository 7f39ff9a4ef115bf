using System.Net;
using System.Text;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>What <c>/v1/stream</c> does beyond what the published conformance suite asks.</summary>
public sealed class DurableStreamTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task An_EventSource_comes_back_with_the_id_of_the_last_control_event(string storage)
    {
        await using var host = await PenstockHost.StartAsync(storage: storage);
        await PutAsync(host, "a", "[1,2]");
        List<SseEvent> events;
        using (var first = await SseClient.OpenAsync(host.Api.Get("v1/stream/a?offset=-1&live=sse")))
        {
            (await first.NextAsync())!.Data.ShouldBe("[\n1\n,\n2\n]");
            events = [(await first.NextAsync())!];
        }

        events[0].Id.ShouldBe("0000000000000002");
        await PostAsync(host, "a", "3", ("Stream-Closed", "true"));
        using (var second = await SseClient.OpenAsync(host.Api.Get("v1/stream/a?offset=-1&live=sse").With("Last-Event-ID", events[0].Id!)))
            events = await second.RestAsync();
        events.Select(e => e.Data).ShouldBe(["[\n3\n]", """{"streamNextOffset":"0000000000000003","upToDate":true,"streamClosed":true}"""]);
        using var third = await RawReply.SendAsync(host.Api.Get("v1/stream/a?offset=-1&live=sse").With("Last-Event-ID", events[1].Id!));
        third.Status.ShouldBe(204); // which stops an EventSource for good
    }

    [Fact]
    public async Task Many_followers_all_get_every_message_once_and_in_order()
    {
        await using var host = await PenstockHost.StartAsync();
        await PutAsync(host, "a", "[]");
        var followers = Enumerable.Range(0, 50).Select(_ => SseClient.AllAsync(host.Api.Get("v1/stream/a?offset=-1&live=sse"))).ToList();
        for (var i = 0; i < 100; i++) await PostAsync(host, "a", $"{i}");
        await PostAsync(host, "a", "100", ("Stream-Closed", "true"));
        foreach (var follower in followers)
        {
            var events = await follower.WaitAsync(Eventually.Limit);
            var messages = events.Where(e => e.Name == "data").SelectMany(e => System.Text.Json.Nodes.JsonNode.Parse(e.Data)!.AsArray()).Select(n => (int)n!);
            messages.ShouldBe(Enumerable.Range(0, 101));
        }
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("POST")]
    [InlineData("DELETE")]
    public async Task A_generation_is_written_by_its_generator_alone(string method)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.Script(Tokens.Of("g", 3)));
        var id = await host.Api.StartAsync("up/scripted");
        await host.Api.EndedAsync(id);
        using var http = new HttpClient { BaseAddress = host.Url };
        using var request = new HttpRequestMessage(new HttpMethod(method), $"v1/stream/generations/{id}") { Content = new StringContent("1", Encoding.UTF8, "application/json") };
        using var reply = await http.SendAsync(request);
        reply.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        reply.Content.Headers.Allow.ShouldBe(["GET", "HEAD"]);
        (await reply.Content.ReadAsStringAsync()).ShouldContain("its generator alone");

        var events = System.Text.Json.Nodes.JsonNode.Parse(await http.GetStringAsync($"v1/stream/generations/{id}"))!.AsArray();
        ((string)events[0]!["type"]!).ShouldBe("started");
        ((string)events[^1]!["type"]!).ShouldBe("finished");
        using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"v1/stream/generations/{id}"));
        head.Headers.GetValues("Stream-Next-Offset").ShouldBe([$"{events.Count:D16}"]);
        head.Headers.GetValues("Stream-Closed").ShouldBe(["true"]);
    }

    [Fact]
    public async Task Who_reads_what_is_not_kept_any_more_is_told()
    {
        await using var host = await PenstockHost.StartAsync(settings: ("Streams:KeepBytes", "40000"));
        await PutAsync(host, "a", "[]");
        var kilobyte = $"\"{new string('k', 1000)}\"";
        for (var i = 0; i < 300; i++) await PostAsync(host, "a", kilobyte);
        using var gone = await RawReply.SendAsync(host.Api.Get("v1/stream/a?offset=0000000000000001"));
        gone.Status.ShouldBe(410);
        (await gone.TextAsync()).ShouldContain("offset_gone");
        using (var live = await RawReply.SendAsync(host.Api.Get("v1/stream/a?offset=0000000000000001&live=sse"))) live.Status.ShouldBe(410);

        // An EventSource would stop for good at a status: it is told by an event, and comes back to where the stream begins.
        using var client = await SseClient.OpenAsync(host.Api.Get("v1/stream/a?offset=-1&live=sse").With("Last-Event-ID", "0000000000000001"));
        var reset = (await client.RestAsync()).ShouldHaveSingleItem();
        reset.Name.ShouldBe("reset");
        reset.Data.ShouldBe($$"""{"streamNextOffset":"{{reset.Id}}"}""");
        using var rest = await RawReply.SendAsync(host.Api.Get($"v1/stream/a?offset={reset.Id}"));
        rest.Status.ShouldBe(200);
        using var beginning = await RawReply.SendAsync(host.Api.Get("v1/stream/a"));
        (await beginning.TextAsync()).ShouldBe(await rest.TextAsync());
    }

    [Fact]
    public async Task A_full_stream_says_so_and_can_still_be_closed()
    {
        await using var host = await PenstockHost.StartAsync(settings: ("Storage:MaxStreamBytes", "2000"));
        await PutAsync(host, "a", "[]");
        var kilobyte = $"\"{new string('k', 1000)}\"";
        (await PostAsync(host, "a", kilobyte)).ShouldBe(HttpStatusCode.NoContent);
        (await PostAsync(host, "a", kilobyte)).ShouldBe(HttpStatusCode.InsufficientStorage);
        (await PostAsync(host, "a", "1", ("Stream-Closed", "true"))).ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task A_wake_that_could_not_be_announced_is_tried_again()
    {
        await using var host = await PenstockHost.StartAsync(settings: ("Storage:MaxStreamBytes", "2000"));
        using var http = new HttpClient { BaseAddress = host.Url };
        await PutAsync(host, "wakes", "[]");
        await PutAsync(host, "jobs/1", "[]");
        var body = new StringContent("""{"type":"pull-wake","pattern":"jobs/*","wake_stream":"wakes"}""", Encoding.UTF8, "application/json");
        (await http.PutAsync("v1/stream/__ds/subscriptions/s", body)).StatusCode.ShouldBe(HttpStatusCode.Created);
        (await PostAsync(host, "wakes", $"\"{new string('k', 1950)}\"")).ShouldBe(HttpStatusCode.NoContent); // it takes no more
        (await PostAsync(host, "jobs/1", "1")).ShouldBe(HttpStatusCode.NoContent);
        (await http.GetStringAsync("v1/stream/wakes")).ShouldNotContain("\"wake\"");

        (await http.DeleteAsync("v1/stream/wakes")).EnsureSuccessStatusCode();
        await PutAsync(host, "wakes", "[]");
        await Eventually.Is(async () => (await http.GetStringAsync("v1/stream/wakes")).Contains("\"wake\"", StringComparison.Ordinal), "the wake comes");
    }

    [Theory]
    [InlineData("http://localhost:1/hook")]
    [InlineData("http://example.com/hook")]
    [InlineData("https://127.0.0.1/hook")]
    [InlineData("https://[::1]/hook")]
    [InlineData("https://192.168.1.1/hook")]
    [InlineData("https://169.254.169.254/latest")]
    [InlineData("https://user:password@example.com/hook")]
    [InlineData("file:///etc/passwd")]
    public async Task In_production_no_webhook_goes_to_a_network_behind_us(string url)
    {
        await using var host = await PenstockHost.StartAsync();
        using var http = new HttpClient { BaseAddress = host.Url };
        var body = $$$"""{"type":"webhook","pattern":"**","webhook":{"url":"{{{url}}}"}}""";
        using var reply = await http.PutAsync("v1/stream/__ds/subscriptions/s", new StringContent(body, Encoding.UTF8, "application/json"));
        reply.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await reply.Content.ReadAsStringAsync()).ShouldContain("WEBHOOK_URL_REJECTED");
    }

    private static async Task PutAsync(PenstockHost host, string path, string json)
    {
        using var http = new HttpClient { BaseAddress = host.Url };
        (await http.PutAsync($"v1/stream/{path}", new StringContent(json, Encoding.UTF8, "application/json"))).EnsureSuccessStatusCode();
    }

    private static async Task<HttpStatusCode> PostAsync(PenstockHost host, string path, string json, params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient { BaseAddress = host.Url };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"v1/stream/{path}") { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var reply = await http.SendAsync(request);
        return reply.StatusCode;
    }
}
