using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>How much an owner may keep at <c>/v1/stream</c>.</summary>
public sealed class StreamQuotaTests
{
    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Bytes_are_refused_beyond_the_quota_and_there_is_room_again_for_what_was_deleted(string storage)
    {
        await using var host = await PenstockHost.StartAsync(storage: storage, settings: [("Streams:MaxBytesPerOwner", "1000")]);
        (await PutAsync(host, "a", new string('a', 600))).Status.ShouldBe(HttpStatusCode.Created);
        (await PutAsync(host, "b", new string('b', 300))).Status.ShouldBe(HttpStatusCode.Created);
        var (status, body) = await PostAsync(host, "a", new string('a', 101));
        status.ShouldBe(HttpStatusCode.InsufficientStorage);
        ((string)JsonNode.Parse(body)!["error"]!["code"]!).ShouldBe("quota_exceeded");
        ((string)JsonNode.Parse(body)!["error"]!["message"]!).ShouldStartWith("Your streams hold 900 bytes, and may hold 1000 in all");
        (await PutAsync(host, "c", new string('c', 101))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        (await Api.SendTextAsync(host.Api.Get("v1/stream/c"))).Status.ShouldBe(HttpStatusCode.NotFound); // nothing of it is there
        (await PutAsync(host, "a", new string('a', 600))).Status.ShouldBe(HttpStatusCode.OK); // which is there already
        (await PostAsync(host, "a", new string('a', 100))).Status.ShouldBe(HttpStatusCode.NoContent);
        (await PostAsync(host, "a", "", ("Stream-Closed", "true"))).Status.ShouldBe(HttpStatusCode.NoContent); // which needs none
        await Api.SendTextAsync(new RawRequest(host.Api.Url("v1/stream/b"), "DELETE"));
        (await PutAsync(host, "c", new string('c', 300))).Status.ShouldBe(HttpStatusCode.Created);
        (await PutAsync(host, "d", "d")).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
    }

    [Fact]
    public async Task An_append_that_came_to_nothing_or_twice_takes_no_room()
    {
        await using var host = await PenstockHost.StartAsync(settings: [("Streams:MaxBytesPerOwner", "100")]);
        await PutAsync(host, "a", new string('a', 60));
        for (var i = 0; i < 10; i++)
        {
            (await PostAsync(host, "a", new string('a', 30), ("Producer-Id", "p"), ("Producer-Epoch", "0"), ("Producer-Seq", "5"))).Status.ShouldBe(HttpStatusCode.Conflict);
            (await PostAsync(host, "nowhere", new string('a', 30))).Status.ShouldBe(HttpStatusCode.NotFound);
        }

        (await PostAsync(host, "a", new string('a', 20), ("Producer-Id", "p"), ("Producer-Epoch", "0"), ("Producer-Seq", "0"))).Status.ShouldBe(HttpStatusCode.OK);
        (await PostAsync(host, "a", new string('a', 20), ("Producer-Id", "p"), ("Producer-Epoch", "0"), ("Producer-Seq", "0"))).Status.ShouldBe(HttpStatusCode.NoContent);
        (await PostAsync(host, "a", new string('a', 20))).Status.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task A_hundred_at_once_get_all_of_the_quota_and_no_more()
    {
        await using var host = await PenstockHost.StartAsync(settings: [("Streams:MaxPerOwner", "30")]);
        var all = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => PutAsync(host, $"s{i}", "x")));
        all.Count(a => a.Status == HttpStatusCode.Created).ShouldBe(30);
        all.Where(a => a.Status != HttpStatusCode.Created).ShouldAllBe(a => a.Status == HttpStatusCode.InsufficientStorage);
    }

    [Fact]
    public async Task What_comes_and_goes_while_it_is_counted_counts_once_and_what_goes_not_at_all()
    {
        await using var store = new InterposedStore();
        await using var upstream = ScriptedUpstream.Start();
        await using var host = await PenstockHost.StartAsync(upstream, services => services.AddSingleton<IStreamLog>(store), ("Streams:MaxPerOwner", "10"));
        for (var i = 0; i < 4; i++) (await PutAsync(host, $"s{i}", "x")).Status.ShouldBe(HttpStatusCode.Created);

        // One is stored after the list was read, and before the count is known.
        var (onItsWay, goesOn, isRead) = (new TaskCompletionSource(), new TaskCompletionSource(), new TaskCompletionSource());
        store.Before = async (operation, path) =>
        {
            if (operation != nameof(IStreamLog.CreateSharedAsync) || !path.EndsWith("slow", StringComparison.Ordinal)) return;
            onItsWay.TrySetResult();
            await goesOn.Task;
        };
        var slow = PutAsync(host, "slow", "x");
        store.AfterList = async _ =>
        {
            isRead.TrySetResult();
            await slow;
        };
        await onItsWay.Task.WaitAsync(Eventually.Limit);
        await DeleteAsync(host, "s0"); // so that it is counted anew
        var next = PutAsync(host, "next", "x");
        await Task.WhenAny(isRead.Task, Task.Delay(200)); // or the count waits for it
        goesOn.SetResult();
        (await slow).Status.ShouldBe(HttpStatusCode.Created);
        (await next).Status.ShouldBe(HttpStatusCode.Created);
        for (var i = 0; i < 5; i++) (await PutAsync(host, $"t{i}", "x")).Status.ShouldBe(HttpStatusCode.Created, $"{i}");
        (await PutAsync(host, "u", "x")).Status.ShouldBe(HttpStatusCode.InsufficientStorage);

        // And one is deleted then: it is room again at once.
        var isArmed = 1;
        store.AfterList = async _ =>
        {
            if (Interlocked.Exchange(ref isArmed, 0) == 1) await DeleteAsync(host, "s2");
        };
        await DeleteAsync(host, "s1");
        for (var i = 0; i < 2; i++) (await PutAsync(host, $"v{i}", "x")).Status.ShouldBe(HttpStatusCode.Created, $"{i}");
        (await PutAsync(host, "w", "x")).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
    }

    [Fact]
    public async Task What_a_stream_is_labelled_with_is_short()
    {
        await using var host = await PenstockHost.StartAsync();
        async Task<HttpStatusCode> StatusAsync(string type) => (await Api.SendTextAsync(new RawRequest(host.Api.Url("v1/stream/a"), "PUT", "x").With("Content-Type", type))).Status;
        (await StatusAsync($"text/plain; x={new string('x', 20_000)}")).ShouldBe(HttpStatusCode.BadRequest);
        (await StatusAsync($"text/plain; x={new string('x', 200)}")).ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task What_has_expired_is_room_again()
    {
        await using var host = await PenstockHost.StartAsync(settings: [("Streams:MaxPerOwner", "1")]);
        (await PutAsync(host, "a", "x", ("Stream-TTL", "1"))).Status.ShouldBe(HttpStatusCode.Created);
        (await PutAsync(host, "b", "x")).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        await Eventually.Is(async () => (await PutAsync(host, "b", "x")).Status == HttpStatusCode.Created, "the first has expired");
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task What_forks_keep_of_a_deleted_stream_takes_room(string storage)
    {
        await using var host = await PenstockHost.StartAsync(storage: storage, settings: [("Streams:MaxBytesPerOwner", "1000")]);
        (await PutAsync(host, "a", new string('a', 600))).Status.ShouldBe(HttpStatusCode.Created);
        foreach (var (fork, source) in (IEnumerable<(string, string)>)[("b", "a"), ("c", "b")])
        {
            (await PutAsync(host, fork, "", ("Stream-Forked-From", $"/v1/stream/{source}"))).Status.ShouldBe(HttpStatusCode.Created);
            await Api.SendTextAsync(new RawRequest(host.Api.Url($"v1/stream/{source}"), "DELETE"));
        }

        (await Api.SendTextAsync(host.Api.Get("v1/stream/c"))).Body.Length.ShouldBe(600);
        (await PutAsync(host, "d", new string('d', 401))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        (await PutAsync(host, "d", new string('d', 400))).Status.ShouldBe(HttpStatusCode.Created);
        foreach (var path in (string[])["c", "d"]) await Api.SendTextAsync(new RawRequest(host.Api.Url($"v1/stream/{path}"), "DELETE"));
        (await PutAsync(host, "e", new string('e', 1000))).Status.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Each_owner_has_a_quota_of_its_own()
    {
        TestKey alice = TestKey.For("alice"), bob = TestKey.For("bob");
        await using var host = await PenstockHost.StartAsync(settings: [("Streams:MaxPerOwner", "1"), .. alice.Settings, .. bob.Settings]);
        foreach (var key in (TestKey[])[alice, bob])
        {
            (await Api.SendTextAsync(Request(host, "PUT", "a", "x").By(key))).Status.ShouldBe(HttpStatusCode.Created);
            (await Api.SendTextAsync(Request(host, "PUT", "b", "x").By(key))).Status.ShouldBe(HttpStatusCode.InsufficientStorage);
        }
    }

    private static Task DeleteAsync(PenstockHost host, string path) => Api.SendTextAsync(new RawRequest(host.Api.Url($"v1/stream/{path}"), "DELETE"));

    private static Task<(HttpStatusCode Status, string Body)> PutAsync(PenstockHost host, string path, string body, params (string Name, string Value)[] headers) =>
        Api.SendTextAsync(Request(host, "PUT", path, body, headers));

    private static Task<(HttpStatusCode Status, string Body)> PostAsync(PenstockHost host, string path, string body, params (string Name, string Value)[] headers) =>
        Api.SendTextAsync(Request(host, "POST", path, body, headers));

    private static RawRequest Request(PenstockHost host, string method, string path, string body, params (string Name, string Value)[] headers) =>
        new RawRequest(host.Api.Url($"v1/stream/{path}"), method, body) { Headers = [("Content-Type", "text/plain"), .. headers] };
}
