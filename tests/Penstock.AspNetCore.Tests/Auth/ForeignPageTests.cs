using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

/// <summary>What a page of elsewhere can have its visitor's browser send to a server on the visitor's machine.</summary>
public sealed class ForeignPageTests
{
    private const string Elsewhere = "https://evil.example";

    [Fact]
    public async Task A_page_of_elsewhere_starts_nothing_on_a_server_that_asks_for_no_key()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        foreach (var how in (Func<RawRequest, RawRequest>[])
        [
            r => r.With("Origin", Elsewhere), r => r.With("Origin", Elsewhere).With("Sec-Fetch-Site", "cross-site"), r => r.With("Sec-Fetch-Site", "cross-site"),
            r => r.With("Origin", "null"), // a file, or a frame of anybody that is shut in
            r => r.With("Origin", $"http://127.0.0.1:{host.Url.Port + 1}").With("Sec-Fetch-Site", "same-site"),
            r => r.With("Origin", $"http://127.0.0.1:{host.Url.Port}.evil.example"),
            r => r.With("Referer", $"{Elsewhere}/"), r => r.With("Referer", $"{Elsewhere}/?http://127.0.0.1:{host.Url.Port}/"), // a picture, over http
            r => r.With("Referer", $"{Elsewhere}?/"), r => r.With("Referer", "about:client"),
        ])
        {
            async Task<JsonNode> RefusalAsync(RawRequest request)
            {
                var (status, body) = await Api.SendAsync(how(request));
                status.ShouldBe(HttpStatusCode.Forbidden, request.Url.ToString());
                return body!["error"]!;
            }

            var plain = new RawRequest(host.Api.Url("v1/conversations"), "POST", "");
            ((string)(await RefusalAsync(plain))["code"]!).ShouldBe("foreign_origin");
            ((string)(await RefusalAsync(new RawRequest(host.Api.Url("v1/stream/log"), "POST", "words").With("Content-Type", "text/plain")))["code"]!).ShouldBe("foreign_origin");
            ((string)(await RefusalAsync(host.Api.Chat("up/m")))["message"]!).ShouldContain("Penstock:Cors:Origins");
            ((string)(await RefusalAsync(host.Api.Messages("up/m")))["type"]!).ShouldBe("permission_error");
            ((string)(await RefusalAsync(host.Api.Post("v1beta/models/up/m:generateContent", new JsonObject())))["status"]!).ShouldBe("PERMISSION_DENIED");
            await RefusalAsync(host.Api.ChatStream("up/m")); // by a picture's address, it would
            await RefusalAsync(host.Api.Get("stream?query=x"));
        }

        host.Upstream.Calls.ShouldBeEmpty();
        ((JsonArray)(await Api.SendAsync(host.Api.Get("v1/generations"))).Body!["data"]!).ShouldBeEmpty();
        (await host.Api.Get("v1/streams").TextAsync()).ShouldNotContain("log");
    }

    [Fact]
    public async Task The_servers_own_pages_those_it_names_and_whoever_is_no_browser_may_call()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Cors:Origins:0", "https://app.example.com"));
        foreach (var how in (Func<RawRequest, RawRequest>[])
        [
            r => r, r => r.With("Origin", $"http://{host.Url.Authority}"), r => r.With("Origin", $"http://{host.Url.Authority}").With("Sec-Fetch-Site", "same-origin"),
            r => r.With("Sec-Fetch-Site", "none"), // an address that somebody typed
            r => r.With("Referer", $"http://{host.Url.Authority}/docs/index.html"),
            r => r.With("Origin", "http://localhost:5173").With("Sec-Fetch-Site", "same-origin"), // a proxy that changes the host, as the playground's in development
            r => r.With("Origin", "https://app.example.com").With("Sec-Fetch-Site", "cross-site"), r => r.With("Origin", $"https://{host.Url.Authority}"),
            r => r.With("Referer", "https://app.example.com/page?x=1"),
        ])
        {
            (await how(host.Api.Chat("up/m", "a-1")).TextAsync()).ShouldStartWith("200");
            (await how(host.Api.ChatStream("up/m", "a-1")).TextAsync()).ShouldStartWith("200");
        }

        (await host.Api.Get("v1/models").With("Sec-Fetch-Site", "cross-site").TextAsync()).ShouldStartWith("200"); // which its page cannot read
    }

    [Fact]
    public async Task All_pages_may_call_where_the_operator_says_so_and_whoever_shows_a_key()
    {
        await using var open = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Cors:Origins:0", "*"));
        (await open.Api.Chat("up/m", "a-1").With("Origin", Elsewhere).TextAsync()).ShouldStartWith("200");
        (await open.Api.Chat("up/m", "a-1").With("Origin", "null").With("Sec-Fetch-Site", "cross-site").TextAsync()).ShouldStartWith("200");
        var key = TestKey.For("alice");
        await using var closed = await TestKeys.StartAsync(key);
        (await closed.Api.Chat("up/m", "a-1").By(key).With("Origin", Elsewhere).TextAsync()).ShouldStartWith("200"); // which it may not read, unless its origin is named
    }

    [Fact]
    public async Task Pages_of_elsewhere_are_refused_where_something_in_front_decides_who_may_call_too()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Auth:Open", "true"));
        (await host.Api.Chat("up/m", "a-1").With("Origin", Elsewhere).TextAsync()).ShouldStartWith("403"); // its visitor's cookie would open the front
        (await host.Api.Chat("up/m", "a-1").TextAsync()).ShouldStartWith("200");
    }
}
