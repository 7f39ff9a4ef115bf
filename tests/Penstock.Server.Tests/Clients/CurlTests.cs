using System.Text;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

public sealed class CurlTests(ClientServer server) : IClassFixture<ClientServer>
{
    [Fact]
    public async Task It_streams_chat_completions()
    {
        var request = server.Api.Chat("up/m", "curl-20");
        var (exit, output, _) = await CurlAsync("-N", request.Url.ToString(), "-H", "Content-Type: application/json", "-d", request.Body!);
        exit.ShouldBe(0);
        var events = Events(output);
        View.ChatText(events).ShouldBe(string.Concat(Tokens.Of("curl", 20)));
        View.IsDone(events[^1]).ShouldBeTrue();
    }

    [Theory]
    [InlineData("query/stream", "{\"prompt\":\"curl-20\"}", "message")]
    [InlineData("ask", "{\"query\":\"curl-20\",\"uuid\":\"curl-ask-1\"}", "message")]
    [InlineData("chat/stream?prompt=curl-20", null, "token")]
    [InlineData("stream?query=curl-20", null, "message")]
    public async Task It_streams_the_plain_endpoints(string path, string? body, string name)
    {
        var arguments = new List<string> { "-N", server.Api.Url(path).ToString(), "-H", "Accept: text/event-stream" };
        if (body is not null) arguments.AddRange(["-H", "Content-Type: application/json", "-d", body]);
        var (_, output, _) = await CurlAsync([.. arguments]);
        var events = Events(output);
        string.Concat(events.Where(e => e.Name == name && !View.IsDone(e)).Select(e => e.Data)).ShouldBe(string.Concat(Tokens.Of("curl", 20)).AsSseText());
        View.IsDone(events[^1]).ShouldBeTrue();
    }

    [Fact]
    public async Task It_starts_looks_at_and_stops_a_generation()
    {
        var request = server.Api.Native("up/endless");
        var (_, created, _) = await CurlAsync("-i", request.Url.ToString(), "-H", "Content-Type: application/json", "-d", request.Body!);
        created.ShouldStartWith("HTTP/1.1 201");
        var id = System.Text.RegularExpressions.Regex.Match(created, "gen_[0-9a-f]{32}", default, TimeSpan.FromSeconds(1)).Value;
        var (_, stopped, _) = await CurlAsync("-X", "POST", server.Api.Url($"v1/generations/{id}/stop").ToString());
        stopped.ShouldContain("\"stopped\"");
        await server.CancelledAsync("endless");
    }

    [Fact]
    public async Task It_fails_where_the_server_says_so()
    {
        var request = server.Api.Chat("up/busy");
        var (exit, _, error) = await CurlAsync("--fail", request.Url.ToString(), "-H", "Content-Type: application/json", "-d", request.Body!);
        exit.ShouldBe(22);
        error.ShouldContain("429");
    }

    [Fact]
    public async Task Hanging_up_reaches_the_provider()
    {
        server.Upstream.ReplyTo("endless-curl", Tokens.Script(Tokens.Of("e", 100_000), TimeSpan.FromMilliseconds(5)));
        var request = server.Api.Chat("up/endless-curl");
        var (exit, output, _) = await CurlAsync("-N", "--max-time", "2", request.Url.ToString(), "-H", "Content-Type: application/json", "-d", request.Body!);
        exit.ShouldBe(28); // timed out, as told
        output.ShouldContain("e.0");
        await server.CancelledAsync("endless-curl");
    }

    private static Task<(int ExitCode, string Output, string Error)> CurlAsync(params string[] arguments) => Command.RunAsync("curl", ["-sS", .. arguments]);

    private static List<SseEvent> Events(string output) => [.. new SseEvents().Feed(Encoding.UTF8.GetBytes(output))];
}
