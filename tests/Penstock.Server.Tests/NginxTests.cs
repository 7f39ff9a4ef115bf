using System.Diagnostics;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>Behind a real nginx whose buffering is on, as it is by default.</summary>
public sealed class NginxTests
{
    [Theory]
    [InlineData("chat")]
    [InlineData("native")]
    [InlineData("text")]
    public async Task Row21_The_first_token_does_not_wait_for_a_proxys_buffer(string surface)
    {
        var second = new TaskCompletionSource();
        await using var upstream = ScriptedUpstream.Start(async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("first")]);
            await second.Task;
            await call.Sse([Chat.Text("second"), Chat.Finish(), Chat.Usage(1, 2), "[DONE]"]);
        });
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "memory"));
        await using var nginx = await Nginx.StartAsync(server.Url);
        var api = new Api(nginx.Url);
        var waited = Stopwatch.StartNew();
        using var client = await SseClient.OpenAsync(surface switch
        {
            "chat" => api.Chat("up/m"),
            "native" => api.Native("up/m", stream: true),
            _ => api.ChatStream("up/m"),
        });
        SseEvent? e;
        do e = await client.NextAsync();
        while (!e!.Data.Contains("first", StringComparison.Ordinal));
        waited.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10)); // the provider waits for this very token to be seen
        second.SetResult();
        var rest = await client.RestAsync();
        rest.ShouldContain(found => found.Data.Contains("second", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Row21_The_same_nginx_does_buffer_a_stream_that_does_not_forbid_it()
    {
        // The control: without the header the first token is held, so the test above tests something.
        await using var plain = ScriptedUpstream.Start(async call =>
        {
            await call.Head(chunked: false); // as an HTTP/1.0 proxy gets it
            await call.Sse("first");
            await call.Hold();
        });
        await using var nginx = await Nginx.StartAsync(new Uri(plain.BaseUrl));
        var reply = RawReply.SendAsync(RawRequest.Post(new Uri(nginx.Url, "v1/x"), "{}"));
        await plain.NextCallAsync();
        await Should.ThrowAsync<TimeoutException>(reply.WaitAsync(TimeSpan.FromSeconds(2)));
    }
}
