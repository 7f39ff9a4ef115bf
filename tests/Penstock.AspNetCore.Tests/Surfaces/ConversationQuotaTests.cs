using System.Net;
using System.Text.Json.Nodes;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>How much an owner may keep in conversations.</summary>
public sealed class ConversationQuotaTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task As_many_as_may_be_are_kept_and_there_is_room_again_for_what_was_deleted(string storage)
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), storage, ("Conversations:MaxPerOwner", "2"));
        var (first, second) = (await CreateAsync(host), await CreateAsync(host, key: "key-1"));
        var (status, error) = await Api.SendAsync(Create(host, ""));
        status.ShouldBe(HttpStatusCode.InsufficientStorage);
        ((string)error!["error"]!["code"]!).ShouldBe("quota_exceeded");
        ((string)error["error"]!["message"]!).ShouldStartWith("You have 2 conversations");
        (await CreateAsync(host, key: "key-1")).ShouldBe(second); // which is there already
        (await Api.SendAsync(Ask(host, first, "a-2"))).Status.ShouldBe(HttpStatusCode.OK);
        await DeleteAsync(host, first);
        await CreateAsync(host);
        (await Api.SendAsync(Create(host, ""))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
    }

    [Fact]
    public async Task Bytes_are_refused_beyond_the_quota_but_not_what_comes_of_a_turn_that_was_let_in()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Conversations:MaxBytesPerOwner", "3000"));
        var id = await CreateAsync(host, new string('x', 1500));
        (await Api.SendAsync(Add(host, id, new string('x', 2000)))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        (await Api.SendAsync(Create(host, new string('x', 2000)))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        (await Api.SendAsync(Ask(host, id, new string('x', 2000)))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        ((JsonArray)(await Api.SendAsync(host.Api.Get("v1/generations"))).Body!["data"]!).ShouldBeEmpty();
        host.Upstream.Calls.ShouldBeEmpty();

        (await Api.SendAsync(Ask(host, id, "a-1000"))).Status.ShouldBe(HttpStatusCode.OK); // of 4,000 bytes and more
        (await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items"))).Body!["data"]!.AsArray().Count.ShouldBe(3);
        (await Api.SendAsync(Ask(host, id, "a-1"))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        await DeleteAsync(host, id);
        await CreateAsync(host, new string('x', 1500));
    }

    [Fact]
    public async Task What_branches_keep_of_a_deleted_conversation_takes_room()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", ("Conversations:MaxBytesPerOwner", "4000"));
        var id = await CreateAsync(host, new string('x', 2000));
        for (var i = 0; i < 3; i++)
        {
            var branch = (string)(await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject { ["fork_from"] = id }))).Body!["id"]!;
            await DeleteAsync(host, id);
            id = branch;
        }

        (await Api.SendAsync(Create(host, new string('x', 2000)))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        await DeleteAsync(host, id);
        await CreateAsync(host, new string('x', 3000));
    }

    [Fact]
    public async Task Each_owner_has_a_quota_of_its_own_and_a_hundred_at_once_get_no_more()
    {
        TestKey alice = TestKey.For("alice"), bob = TestKey.For("bob");
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", [("Conversations:MaxPerOwner", "30"), .. alice.Settings, .. bob.Settings]);
        var all = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Api.SendAsync(Create(host, "").By(alice))));
        all.Count(a => a.Status == HttpStatusCode.OK).ShouldBe(30);
        (await Api.SendAsync(Create(host, "").By(bob))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task One_owner_cannot_take_all_subscriptions()
    {
        TestKey alice = TestKey.For("alice"), bob = TestKey.For("bob");
        await using var host = await TestKeys.StartAsync(alice, bob);
        RawRequest Subscribe(TestKey key, int number) =>
            (host.Api.Post($"v1/stream/__ds/subscriptions/s{number}", JsonNode.Parse("""{"type":"pull-wake","streams":["a"],"wake_stream":"wakes"}""")!) with { Method = "PUT" }).By(key);
        var made = await Task.WhenAll(Enumerable.Range(0, 1000).Chunk(250).Select(async numbers =>
        {
            var count = 0;
            foreach (var number in numbers) count += (await Api.SendAsync(Subscribe(alice, number))).Status == HttpStatusCode.Created ? 1 : 0;
            return count;
        }));
        made.Sum().ShouldBe(1000);
        var (status, error) = await Api.SendAsync(Subscribe(alice, 1000));
        status.ShouldBe(HttpStatusCode.InsufficientStorage);
        ((string)error!["error"]!["code"]!).ShouldBe("too_many_subscriptions");
        (await Api.SendAsync(Subscribe(alice, 999))).Status.ShouldBe(HttpStatusCode.OK); // which is there already
        (await Api.SendAsync(Subscribe(bob, 0))).Status.ShouldBe(HttpStatusCode.Created);
    }

    private static RawRequest Create(PenstockHost host, string text)
    {
        var body = new JsonObject();
        if (text.Length > 0) body["items"] = Items(text);
        return host.Api.Post("v1/conversations", body);
    }

    private static async Task<string> CreateAsync(PenstockHost host, string text = "", string? key = null)
    {
        var (status, conversation) = await Api.SendAsync(key is null ? Create(host, text) : Create(host, text).With("Idempotency-Key", key));
        status.ShouldBe(HttpStatusCode.OK, conversation?.ToJsonString());
        return (string)conversation!["id"]!;
    }

    private static RawRequest Add(PenstockHost host, string id, string text) => host.Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = Items(text) });

    private static RawRequest Ask(PenstockHost host, string id, string text) =>
        host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = text, ["conversation"] = id });

    private static async Task DeleteAsync(PenstockHost host, string id) => (await Api.SendAsync(new RawRequest(host.Api.Url($"v1/conversations/{id}"), "DELETE"))).Status.ShouldBe(HttpStatusCode.OK);

    private static JsonArray Items(string text) => new(new JsonObject { ["role"] = "user", ["content"] = text });
}
