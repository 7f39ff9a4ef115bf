using Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

public sealed class SubscriptionPartsTests
{
    // RFC 8032, section 7.1, tests 1 to 3.
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void Signatures_are_those_of_the_standard(string privateKey, string publicKey, string message, string signature)
    {
        var key = Convert.FromHexString(privateKey);
        Convert.ToHexStringLower(Ed25519.PublicKey(key)).ShouldBe(publicKey);
        Convert.ToHexStringLower(Ed25519.Sign(key, Convert.FromHexString(message))).ShouldBe(signature);
    }

    [Theory]
    [InlineData("events/*", "events/a", true)]
    [InlineData("events/*", "events/a/b", false)]
    [InlineData("events/*", "events", false)]
    [InlineData("events/**", "events", true)]
    [InlineData("events/**", "events/a/b", true)]
    [InlineData("**", "any/thing", true)]
    [InlineData("**/c", "a/b/c", true)]
    [InlineData("a/**/c/**/e", "a/c/c/d/e", true)]
    [InlineData("a/**/c", "a/b/d", false)]
    [InlineData("events/a*", "events/ab", false)]
    public void Patterns_match_by_segments(string pattern, string path, bool matches) => new StreamGlob(pattern).Matches(path).ShouldBe(matches);

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:2800:220:1::1", true)]
    [InlineData("64:ff9b::5db8:d822", true)] // by NAT64 to a public one
    [InlineData("64:ff9b::a9fe:a9fe", false)] // by NAT64 to the clouds' metadata
    [InlineData("64:ff9b:1::a00:1", false)]
    [InlineData("2002:a00:1::1", false)] // by 6to4 to 10.0.0.1
    [InlineData("2001:0:a00:1::1", false)] // Teredo
    [InlineData("::169.254.169.254", false)]
    [InlineData("::ffff:0:a00:1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("::", false)]
    [InlineData("169.254.169.254", false)]
    public void A_webhook_reaches_no_network_behind_us_by_another_way_to_write_it(string address, bool isPublic) =>
        WebhookUrl.IsPublic(System.Net.IPAddress.Parse(address)).ShouldBe(isPublic);

    [Fact]
    public async Task A_stream_that_comes_anew_where_one_has_expired_wakes_from_its_beginning()
    {
        await using var host = await PenstockHost.StartAsync();
        RawRequest Json(RawRequest request) => request.With("Content-Type", "application/json");
        RawRequest Put(string path, string body = "") => Json(host.Api.Get(path) with { Method = "PUT", Body = body });
        async Task<string> TextAsync(RawRequest request)
        {
            using var reply = await RawReply.SendAsync(request);
            return $"{reply.Status} {await reply.TextAsync()}";
        }

        (await TextAsync(Put("v1/stream/wakes"))).ShouldStartWith("201");
        (await TextAsync(Put("v1/stream/jobs/1", "[1,2,3]").With("Stream-TTL", "1"))).ShouldStartWith("201");
        (await TextAsync(Put("v1/stream/__ds/subscriptions/s", """{"type":"pull-wake","pattern":"jobs/*","wake_stream":"wakes"}"""))).ShouldStartWith("201");
        await Eventually.Is(async () => (await TextAsync(Put("v1/stream/jobs/1", "[9]"))).StartsWith("201", StringComparison.Ordinal), "the first one has expired");
        (await TextAsync(host.Api.Post("v1/stream/__ds/subscriptions/s/claim", new System.Text.Json.Nodes.JsonObject { ["worker"] = "w" }))).ShouldContain("jobs/1");
    }

    [Fact]
    public async Task One_with_many_streams_changes_as_often_as_one_with_few()
    {
        await using var host = await PenstockHost.StartAsync(settings: [("Storage:MaxStreamBytes", "65536")]);
        var streams = string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"rooms/{i:D32}\""));
        var put = host.Api.Post("v1/stream/__ds/subscriptions/s", System.Text.Json.Nodes.JsonNode.Parse($$"""{"type":"pull-wake","streams":[{{streams}}],"wake_stream":"wakes"}""")!) with { Method = "PUT" };
        (await Api.SendAsync(put)).Status.ShouldBe(System.Net.HttpStatusCode.Created);
        for (var i = 0; i < 30; i++)
        {
            var link = host.Api.Post("v1/stream/__ds/subscriptions/s/streams", System.Text.Json.Nodes.JsonNode.Parse($$"""{"streams":["more/{{i}}"]}""")!);
            (await Api.SendAsync(link)).Status.ShouldBe(System.Net.HttpStatusCode.NoContent, $"{i}");
        }

        (await Api.SendAsync(host.Api.Get("v1/stream/__ds/subscriptions/s"))).Body!["streams"]!.AsArray().Count.ShouldBe(130);
    }

    [Fact]
    public async Task Whoever_has_no_token_sends_no_body_and_whoever_has_one_no_large_one()
    {
        await using var host = await PenstockHost.StartAsync();
        foreach (var action in (string[])["ack", "callback", "release"])
        {
            var request = new RawRequest(host.Api.Url($"v1/stream/__ds/subscriptions/s/{action}"), "POST").With("Content-Type", "application/json").With("Content-Length", "10000000").With("Expect", "100-continue");
            using (var reply = await RawReply.SendAsync(request).WaitAsync(Eventually.Limit)) reply.Status.ShouldBe(401); // and no 100
            using (var reply = await RawReply.SendAsync(request.With("Authorization", "Bearer x")).WaitAsync(Eventually.Limit)) reply.Status.ShouldBe(413);
        }
    }

    [Fact]
    public async Task One_has_no_more_streams_than_there_is_memory_for()
    {
        await using var host = await PenstockHost.StartAsync();
        System.Text.Json.Nodes.JsonNode Streams(int from, int count) => System.Text.Json.Nodes.JsonNode.Parse($$"""{"type":"pull-wake","wake_stream":"wakes","streams":[{{string.Join(',', Enumerable.Range(from, count).Select(i => $"\"s/{i}\""))}}]}""")!;
        RawRequest Put(int count) => host.Api.Post("v1/stream/__ds/subscriptions/s", Streams(0, count)) with { Method = "PUT" };
        var told = Streams(0, 1);
        told["description"] = new string('x', 3000);
        (await Api.SendAsync(host.Api.Post("v1/stream/__ds/subscriptions/s", told) with { Method = "PUT" })).Status.ShouldBe(System.Net.HttpStatusCode.BadRequest);
        (await Api.SendAsync(Put(10_001))).Status.ShouldBe(System.Net.HttpStatusCode.BadRequest);
        (await Api.SendAsync(Put(10_000))).Status.ShouldBe(System.Net.HttpStatusCode.Created);
        (await Api.SendAsync(host.Api.Post("v1/stream/__ds/subscriptions/s/streams", Streams(9_990, 10)))).Status.ShouldBe(System.Net.HttpStatusCode.NoContent); // which it has
        (await Api.SendAsync(host.Api.Post("v1/stream/__ds/subscriptions/s/streams", Streams(10_000, 1)))).Status.ShouldBe(System.Net.HttpStatusCode.BadRequest);
    }
}
