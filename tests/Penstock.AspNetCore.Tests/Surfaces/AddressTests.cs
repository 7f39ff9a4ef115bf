using System.Text;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

public sealed class AddressTests
{
    [Theory]
    [InlineData("healthz", "ok")]
    [InlineData("readyz", "ready")]
    public async Task Health_is_told_by_GET_and_HEAD_alone(string path, string says)
    {
        await using var host = await PenstockHost.StartAsync();
        using var get = await RawReply.SendAsync(host.Api.Get(path));
        get.Status.ShouldBe(200);
        (await get.TextAsync()).ShouldBe(says);
        using var head = await RawReply.SendAsync(new RawRequest(host.Api.Url(path), "HEAD"));
        head.Status.ShouldBe(200);
        using var post = await RawReply.SendAsync(host.Api.Post(path, new JsonObject()));
        post.Status.ShouldBe(405);
        post.Headers["Allow"].ShouldBe("GET, HEAD");
        ((string)JsonNode.Parse(await post.TextAsync())!["error"]!["code"]!).ShouldBe("method_not_allowed");
    }

    [Theory]
    [InlineData("GET", "nothing/here")]
    [InlineData("GET", "foo.bar")]
    [InlineData("GET", "v1/favicon.ico")]
    [InlineData("POST", "v1/completions")]
    public async Task Nothing_here_is_a_404_with_a_reason(string method, string path)
    {
        await using var host = await PenstockHost.StartAsync();
        using var reply = await RawReply.SendAsync(new RawRequest(host.Api.Url(path), method, method == "POST" ? "{}" : null));
        reply.Status.ShouldBe(404);
        reply.Headers["Content-Type"].ShouldStartWith("application/json");
        ((string)JsonNode.Parse(await reply.TextAsync())!["error"]!["code"]!).ShouldBe("not_found");
    }

    [Theory]
    [InlineData("""{"model":"up/m","prompt":"a-3","messages":null}""")]
    [InlineData("""{"model":"up/m","messages":null,"prompt":"a-3"}""")]
    [InlineData("""{"model":"up/m","prompt":null,"messages":[{"role":"user","content":"a-3"}]}""")]
    public async Task A_prompt_beside_null_messages_is_sent_once(string body)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        foreach (var path in (string[])["v1/chat/completions", "v1/generations"])
        {
            using var reply = await RawReply.SendAsync(RawRequest.Post(host.Api.Url(path), body));
            reply.Status.ShouldBeInRange(200, 201, await reply.TextAsync());
            var call = await host.Upstream.NextCallAsync();
            Encoding.UTF8.GetString(call.Body).Split("\"messages\"").Length.ShouldBe(2);
            ((string)call.Request!["messages"]!.AsArray().ShouldHaveSingleItem()!["content"]!).ShouldBe("a-3");
        }
    }
}
