using System.Net;
using System.Text.Json.Nodes;
using Penstock.AspNetCore.Auth;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

public sealed class KeyTests
{
    [Theory]
    [InlineData("Authorization", "Bearer KEY")]
    [InlineData("Authorization", "bearer  KEY ")]
    [InlineData("x-api-key", "KEY")]
    [InlineData("x-goog-api-key", "KEY")]
    [InlineData("?key=", "KEY")]
    public async Task A_key_counts_wherever_an_SDK_puts_it_and_goes_no_further(string where, string what)
    {
        var key = TestKey.For("alice");
        await using var host = await TestKeys.StartAsync(key);
        what = what.Replace("KEY", key.Text, StringComparison.Ordinal);
        RawRequest With(RawRequest request) => where != "?key=" ? request.With(where, what)
            : request with { Url = new Uri($"{request.Url}{(request.Url.Query.Length > 0 ? '&' : '?')}key={what}") };

        foreach (var request in (RawRequest[])
        [
            host.Api.Chat("up/m", "a-3"), host.Api.Messages("up/m", "a-3"), host.Api.Native("up/m", "a-3", stream: true), host.Api.ChatStream("up/m", "a-3"),
            host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = "a-3", ["stream"] = true }),
            host.Api.Post("v1beta/models/up/m:streamGenerateContent?alt=sse", JsonNode.Parse("""{"contents":[{"role":"user","parts":[{"text":"a-3"}]}]}""")!),
            host.Api.Get("v1/models"), host.Api.Get("v1/generations"), host.Api.Get("v1/streams"),
        ])
        {
            var text = await With(request).TextAsync();
            text.ShouldStartWith("200", customMessage: request.Url.ToString());
            text.ShouldNotContain(key.Text);
        }

        host.Upstream.Calls.Count.ShouldBe(6);
        host.Upstream.Calls.ShouldAllBe(call => !call.Path.Contains("pk_", StringComparison.Ordinal) && !call.Headers.Values.Any(v => v.Contains("pk_", StringComparison.Ordinal)));
        // But for the framework's own line about the request, which the server leaves out.
        host.Log.Split('\n').Where(l => l.Contains(key.Text, StringComparison.Ordinal) && !l.Contains(" HTTP/1.1 ", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_refusal_has_the_shape_of_its_protocol()
    {
        await using var host = await TestKeys.StartAsync(TestKey.For("alice"));
        async Task<JsonNode> RefusalAsync(RawRequest request)
        {
            var (status, body) = await Api.SendAsync(request.With("x-api-key", "wrong"));
            status.ShouldBe(HttpStatusCode.Unauthorized);
            return body!;
        }

        ((string)(await RefusalAsync(host.Api.Chat("up/m")))["error"]!["code"]!).ShouldBe("invalid_api_key");
        ((string)(await RefusalAsync(host.Api.Post("v1/responses", new JsonObject())))["error"]!["type"]!).ShouldBe("invalid_request_error");
        foreach (var request in (RawRequest[])[host.Api.Messages("up/m"), host.Api.Get("v1/models").With("anthropic-version", "2023-06-01")])
        {
            var messages = await RefusalAsync(request);
            ((string)messages["type"]!).ShouldBe("error");
            ((string)messages["error"]!["type"]!).ShouldBe("authentication_error");
            ((string)messages["request_id"]!).ShouldStartWith("req_");
        }

        var gemini = (await RefusalAsync(host.Api.Post("v1beta/models/up/m:generateContent", new JsonObject())))["error"]!;
        ((string)gemini["status"]!).ShouldBe("UNAUTHENTICATED");
        ((int)gemini["code"]!).ShouldBe(401);
        ((string)(await RefusalAsync(host.Api.ChatStream("up/m")))["error"]!["code"]!).ShouldBe("invalid_api_key");
    }

    [Fact]
    public async Task A_key_opens_no_more_than_it_is_for()
    {
        var key = TestKey.For("alice", ("Models:0", "up/small*"), ("Models:1", "fast"), ("Endpoints:0", "chat-completions"), ("Endpoints:1", "gemini"));
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", [.. key.Settings, ("Models:fast:Targets:0", "up/large"), ("Providers:up:Models:0", "small-1"), ("Providers:up:Models:1", "large")]);
        async Task<(HttpStatusCode Status, string Text)> SendAsync(RawRequest request)
        {
            var (status, body) = await Api.SendAsync(request.By(key));
            return (status, body!.ToJsonString());
        }

        foreach (var allowed in (string[])["up/small-1", "up:small-2", "UP/small", "small-1", "fast", "FAST"]) (await SendAsync(host.Api.Chat(allowed, "a-3", stream: false))).Status.ShouldBe(HttpStatusCode.OK, allowed);
        foreach (var refused in (string[])["up/large", "up:large", "large", "up/x/small", "no-such", "simulated/chat"])
        {
            var (status, text) = await SendAsync(host.Api.Chat(refused, "a-3", stream: false));
            status.ShouldBe(HttpStatusCode.Forbidden, refused);
            text.ShouldContain("model_not_allowed");
        }

        (await SendAsync(host.Api.Post("v1/chat/completions", new JsonObject { ["prompt"] = "a-3" }))).Status.ShouldBe(HttpStatusCode.Forbidden); // the default
        (await SendAsync(host.Api.Post("v1beta/models/up/large:countTokens", JsonNode.Parse("""{"contents":[{"parts":[{"text":"a"}]}]}""")!))).Text.ShouldContain("PERMISSION_DENIED");
        var (_, models) = await Api.SendAsync(host.Api.Get("v1/models").By(key));
        models!["data"]!.AsArray().Select(m => (string)m!["id"]!).ShouldBe(["fast", "up/small-1"], ignoreOrder: true);
        (await SendAsync(host.Api.Get("v1/models/up/large"))).Status.ShouldBe(HttpStatusCode.NotFound);
        foreach (var other in (RawRequest[])[host.Api.Messages("up/small-1"), host.Api.Native("up/small-1"), host.Api.Get("v1/streams"), host.Api.ChatStream("up/small-1")])
            (await SendAsync(other)).Status.ShouldBe(HttpStatusCode.Forbidden, other.Url.ToString());
    }

    [Fact]
    public async Task A_running_server_takes_a_new_key_and_drops_a_revoked_one_within_a_second()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-keys-").FullName;
        try
        {
            await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Auth:KeyFile", Path.Combine(folder, "keys.json")));
            (await host.Api.Get("v1/models").TextAsync()).ShouldStartWith("200"); // nothing says who may call, and it is on loopback
            var file = new KeyFile(Path.Combine(folder, "keys.json"));
            var (id, text) = ApiKey.New();
            var request = host.Api.Get("v1/models").With("x-api-key", text);

            file.Change(keys => [.. keys, new KeyRecord(id, Convert.ToHexStringLower(ApiKey.Hash(text)), "alice", DateTimeOffset.UtcNow)]);
            await WithinASecondAsync(async () => (await host.Api.Get("v1/models").TextAsync()).StartsWith("401", StringComparison.Ordinal));
            (await request.TextAsync()).ShouldStartWith("200");
            file.Change(keys => [keys[0] with { RevokedAt = DateTimeOffset.UtcNow }]);
            await WithinASecondAsync(async () => (await request.TextAsync()).StartsWith("401", StringComparison.Ordinal));
            File.Delete(file.Path); // a server that asked once does not stop asking
            await Task.Delay(TimeSpan.FromMilliseconds(700));
            (await host.Api.Get("v1/models").TextAsync()).ShouldStartWith("401");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static async Task WithinASecondAsync(Func<Task<bool>> condition)
        {
            var begun = System.Diagnostics.Stopwatch.StartNew();
            await Eventually.Is(condition, "the server has seen the key file");
            begun.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(3)); // one, and what a busy machine takes
        }
    }

    [Theory]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":null,"createdAt":"2026-01-01T00:00:00Z"}""", "owner")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","createdAt":"2026-01-01T00:00:00Z"}""", "no list of keys")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"","createdAt":"2026-01-01T00:00:00Z"}""", "has no owner")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z","model":["up/small"]}""", "$[0].model")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z","models":[null]}""", "without a name")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z","limits":{"streams":1,"rpm":5}}""", "$[0].limits.rpm")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z","limits":{"streams":-1}}""", "limit under zero")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z","cacheMaxAge":"10000000.00:00:00"}""", "cacheMaxAge")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z","revokedAt":"2026-01-01T00:00:00Z","revokedAt":null}""", "revokedAt")]
    [InlineData("""{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z"},{"id":"0123456789ab","hash":"HASH","owner":"alice","createdAt":"2026-01-01T00:00:00Z"}""", "there twice")]
    [InlineData("null", "no id")]
    public async Task A_slip_in_the_key_file_stops_the_start_with_its_place_and_never_makes_more_of_a_key(string keys, string says)
    {
        var folder = Directory.CreateTempSubdirectory("penstock-keys-").FullName;
        try
        {
            var path = Path.Combine(folder, "keys.json");
            await File.WriteAllTextAsync(path, $"[{keys.Replace("HASH", new string('0', 64), StringComparison.Ordinal)}]");
            var error = await Should.ThrowAsync<KeyFileException>(() => PenstockHost.StartAsync(null, "memory", ("Auth:KeyFile", path)));
            error.Message.ShouldStartWith($"The keys in {path} cannot be read: ");
            error.Message.ShouldContain(says);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_slip_in_the_key_file_of_a_running_server_leaves_the_keys_of_before_as_they_were()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-keys-").FullName;
        try
        {
            var path = Path.Combine(folder, "keys.json");
            var (id, text) = ApiKey.New();
            new KeyFile(path).Change(keys => [.. keys, new KeyRecord(id, Convert.ToHexStringLower(ApiKey.Hash(text)), "alice", DateTimeOffset.UtcNow) { Models = ["up/small"] }]);
            await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Auth:KeyFile", path));
            await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).Replace("\"alice\"", "null", StringComparison.Ordinal).Replace("\"models\"", "\"model\"", StringComparison.Ordinal));
            await Eventually.Is(() => host.Log.Contains("cannot be read", StringComparison.Ordinal), "the server says that it cannot read the keys");
            (await host.Api.Chat("up/large", "a-1").With("x-api-key", text).TextAsync()).ShouldStartWith("403");
            (await host.Api.Chat("up/small", "a-1").With("x-api-key", text).TextAsync()).ShouldStartWith("200");
            (await host.Api.Get("v1/models").TextAsync()).ShouldStartWith("401");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task An_expired_key_is_none()
    {
        TestKey old = TestKey.For("alice", ("ExpiresAt", "2020-01-01T00:00:00Z")), live = TestKey.For("alice", ("ExpiresAt", "2120-01-01T00:00:00Z"));
        await using var host = await TestKeys.StartAsync(old, live);
        (await host.Api.Get("v1/models").By(old).TextAsync()).ShouldStartWith("401");
        (await host.Api.Get("v1/models").By(live).TextAsync()).ShouldStartWith("200");
    }

    [Theory]
    [InlineData("Auth:Keys:alice:Hash", "00", "the 12 hex digits after pk_")]
    [InlineData("Auth:Keys:0123456789ab:Hash", "secret", "Penstock:Auth:Keys:0123456789ab:Hash is no SHA-256")]
    [InlineData("Auth:Keys:0123456789ab:Owner", "", "Penstock:Auth:Keys:0123456789ab:Owner is empty")]
    [InlineData("Auth:Keys:0123456789ab:Priority", "urgent", "Penstock:Auth:Keys:0123456789ab:Priority is 'urgent'; give high, normal or low.")]
    [InlineData("Auth:Jwt:Issuer", "login.example.com", "Penstock:Auth:Jwt:Issuer is 'login.example.com'")]
    [InlineData("Auth:Jwt:Issuer", "http://login.example.com", "not an https address")]
    [InlineData("Auth:Jwt:Issuer", "https://login.example.com", "Penstock:Auth:Jwt:Audience is missing")]
    [InlineData("Auth:TicketLifetime", "2.00:00:00", "Penstock:Auth:TicketLifetime")]
    public async Task A_wrong_setting_stops_the_start(string key, string value, string says)
    {
        var error = await Should.ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => PenstockHost.StartAsync(null, "memory", (key, value)));
        error.Message.ShouldContain(says);
    }
}
