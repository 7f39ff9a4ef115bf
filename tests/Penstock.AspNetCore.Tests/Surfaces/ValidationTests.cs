using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>Requests that cannot be taken: each a 4xx in the protocol's error shape that says what to mend.</summary>
public sealed class ValidationTests
{
    private const string Ok = "[{\"role\":\"user\",\"content\":\"Hi\"}]";

    public static TheoryData<string, string, int, string> Table => new()
    {
        // Chat Completions
        { "v1/chat/completions", "{\"model\":\"up/m\",\"messages\":[]}", 400, "messages" },
        { "v1/chat/completions", "{\"model\":\"up/m\"}", 400, "messages" },
        { "v1/chat/completions", "{\"model\":\"up/m\",\"messages\":\"Hi\"}", 400, "messages" },
        { "v1/chat/completions", "{\"model\":\"up/m\",\"messages\":[{\"role\":\"user\",\"content\":5}]}", 400, "messages[0].content" },
        { "v1/chat/completions", "{\"model\":\"up/m\",\"messages\":[{\"role\":\"wizard\",\"content\":\"Hi\"}]}", 400, "messages[0].role" },
        { "v1/chat/completions", $"{{\"model\":5,\"messages\":{Ok}}}", 400, "model" },
        { "v1/chat/completions", $"{{\"model\":\"up/m\",\"stream\":\"yes\",\"messages\":{Ok}}}", 400, "stream" },
        { "v1/chat/completions", $"{{\"model\":\"up/m\",\"n\":0,\"messages\":{Ok}}}", 400, "n" },
        { "v1/chat/completions", $"{{\"model\":\"up/m\",\"tools\":5,\"messages\":{Ok}}}", 400, "tools" },
        { "v1/chat/completions", $"{{\"model\":\"nobody/m\",\"messages\":{Ok}}}", 404, "nobody" },
        { "v1/chat/completions", "{\"model\":\"up/m\",\"messages\":[", 400, "JSON" },
        { "v1/chat/completions", "", 400, "JSON" },
        { "v1/chat/completions", "[]", 400, "object" },
        { "v1/chat/completions", "{\"model\":\"up/m\",\"prompt\":\"\"}", 400, "prompt" },
        { "v1/chat/completions", $"{{\"model\":\"up/m\",\"prompt\":\"{new string('x', 5001)}\"}}", 400, "5000" },

        // text
        { "query/stream", "{\"prompt\":\"\"}", 400, "prompt" },
        { "query/stream", "{\"prompt\":\"  \"}", 400, "prompt" },
        { "query/stream", "{}", 400, "prompt" },
        { "query/stream", "{\"prompt\":5}", 400, "prompt" },
        { "query/stream", $"{{\"prompt\":\"{new string('x', 5001)}\"}}", 400, "5000" },
        { "query/stream", "{\"prompt\":\"Hi\",\"model\":\"nobody/m\"}", 404, "nobody" },
        { "query/stream", "{\"prompt\"", 400, "JSON" },
        { "ask", "{\"query\":\"\",\"uuid\":\"u\"}", 400, "query" },
        { "ask", "{\"query\":\"Hi\",\"uuid\":5}", 400, "uuid" },

        // native
        { "v1/generations", "{\"model\":\"up/m\"}", 400, "messages" },
        { "v1/generations", "{\"model\":\"up/m\",\"prompt\":\"\"}", 400, "prompt" },
        { "v1/generations", "{\"model\":\"up/m\",\"prompt\":[1]}", 400, "prompt" },
        { "v1/generations", "{\"model\":\"nobody/m\",\"prompt\":\"Hi\"}", 404, "nobody" },
        { "v1/generations", "{\"model\":\"up/m\",\"prompt\":\"Hi\",\"onDisconnect\":\"explode\"}", 400, "onDisconnect" },
        { "v1/generations", "nonsense", 400, "JSON" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task A_body_that_cannot_be_taken_is_refused_with_what_to_mend(string path, string body, int status, string says)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        await RefusedAsync(host, RawRequest.Post(host.Api.Url(path), body), status, says);
        host.Upstream.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("chat/stream?prompt=", 400, "prompt")]
    [InlineData("chat/stream", 400, "/chat/stream?prompt=Hello")]
    [InlineData("stream?query=%20", 400, "query")]
    [InlineData("stream?query=Hi&model=nobody/m", 404, "nobody")]
    [InlineData("v1/generations?status=odd", 400, "status")]
    [InlineData("v1/generations/gen_0123456789abcdef0123456789abcdef", 404, "generation")]
    [InlineData("v1/generations/gen_0123456789abcdef0123456789abcdef/events", 404, "generation")]
    [InlineData("v1/models/nobody/m", 404, "nobody")]
    public async Task A_query_that_cannot_be_taken_is_refused_with_what_to_mend(string path, int status, string says)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        await RefusedAsync(host, host.Api.Get(path), status, says);
    }

    [Fact]
    public async Task A_prompt_in_a_query_has_the_same_limit()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        await RefusedAsync(host, host.Api.ChatStream("up/m", new string('x', 5001)), 400, "5000");
    }

    [Theory]
    [InlineData("v1/chat/completions")]
    [InlineData("query/stream")]
    [InlineData("ask")]
    [InlineData("v1/generations")]
    public async Task A_body_over_the_limit_is_413_and_another_media_type_415(string path)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), settings: ("Limits:MaxBodyBytes", "2000"));
        await RefusedAsync(host, RawRequest.Post(host.Api.Url(path), $"{{\"prompt\":\"{new string('x', 3000)}\"}}"), 413, "2000");
        await RefusedAsync(host, new RawRequest(host.Api.Url(path), "POST", "{\"prompt\":\"Hi\"}").With("Content-Type", "text/plain"), 415, "application/json");
        await RefusedAsync(host, new RawRequest(host.Api.Url(path), "POST", "{\"prompt\":\"Hi\"}"), 415, "application/json");
    }

    [Fact]
    public async Task Thirty_two_mebibytes_are_the_limit_unless_set()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.Script(["fine"]));
        var big = new string('x', (32 * 1024 * 1024) - 200);
        View.ChatText(await SseClient.AllAsync(host.Api.Chat("up/m", big))).ShouldBe("fine");
        await RefusedAsync(host, host.Api.Chat("up/m", big + new string('x', 300)), 413, "33554432");
    }

    [Theory]
    [InlineData("GET", "v1/chat/completions", "POST")]
    [InlineData("GET", "query/stream", "POST")]
    [InlineData("POST", "chat/stream", "GET")]
    [InlineData("POST", "stream", "GET")]
    [InlineData("GET", "ask", "POST")]
    [InlineData("DELETE", "v1/generations", "POST")]
    [InlineData("PUT", "v1/generations/gen_0123456789abcdef0123456789abcdef/stop", "POST")]
    public async Task Another_method_is_405_and_says_which(string method, string path, string allowed)
    {
        await using var host = await PenstockHost.StartAsync();
        var request = new RawRequest(host.Api.Url(path), method, method == "GET" ? null : "{}");
        using (var reply = await RawReply.SendAsync(request)) reply.Headers["Allow"].ShouldContain(allowed);
        await RefusedAsync(host, request, 405, allowed);
    }

    private static async Task RefusedAsync(PenstockHost host, RawRequest request, int status, string says)
    {
        using var reply = await RawReply.SendAsync(request);
        var body = await reply.TextAsync();
        reply.Status.ShouldBe(status, body);
        reply.Headers["Content-Type"].ShouldStartWith("application/json");
        var error = JsonNode.Parse(body)!["error"]!;
        ((string)error["message"]!).Length.ShouldBeGreaterThan(15);
        error.ToJsonString().ShouldContain(says, Case.Insensitive);
        if (request.Url.AbsolutePath == "/v1/chat/completions") error.AsObject().Select(p => p.Key).ShouldBe(["message", "type", "param", "code"], ignoreOrder: true);
        host.Log.Split('\n').Where(line => line.StartsWith("Error ", StringComparison.Ordinal)).ShouldBeEmpty(); // a refusal is the sender's affair
    }
}
