using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>What happens to a conversation at the same moment as something else, or as its server's death.</summary>
public sealed class ConversationRaceTests
{
    [Fact]
    public async Task A_turn_whose_server_died_before_it_was_put_in_is_put_in_though_nobody_comes_to_the_conversation()
    {
        await using var store = new InterposedStore();
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
        string id;
        await using (var host = await StartAsync(upstream, store))
        {
            id = await CreateAsync(host);
            var appends = 0;
            store.Before = (operation, path) => operation == nameof(IStreamLog.AppendAsync) && path == $"conversations/{id}" && ++appends > 1
                ? throw new StreamStorageException("its server dies")
                : Task.CompletedTask;
            (await Api.SendAsync(Ask(host, id, "a-2"))).Status.ShouldBe(HttpStatusCode.OK);
            await Eventually.Is(() => appends > 1, "the turn is to be put in");
        }

        store.Before = static (_, _) => Task.CompletedTask;
        await using var next = await StartAsync(upstream, store);
        await Eventually.Is(async () => (await store.GetAsync($"conversations/{id}"))!.NextOffset == 3, "the turn is put in");
        var (_, items) = await Api.SendAsync(next.Api.Get($"v1/conversations/{id}/items"));
        items!["data"]!.AsArray().Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_turn_is_not_taken_for_one_that_came_to_nothing_by_a_node_whose_clock_is_ahead()
    {
        await using var store = new InterposedStore();
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
        await using var ahead = await StartAsync(upstream, store, services => services.AddSingleton<TimeProvider>(new AheadTimeProvider()));
        await using var host = await StartAsync(upstream, store);
        var id = await CreateAsync(host);
        var looks = 0;
        store.Before = async (operation, path) =>
        {
            if (operation is not (nameof(IStreamLog.CreateAsync) or nameof(IStreamLog.CreateSharedAsync))) return;
            looks++;
            (await Api.SendAsync(ahead.Api.Get($"v1/conversations/{id}/items"))).Status.ShouldBe(HttpStatusCode.OK);
        };
        (await Api.SendAsync(Ask(host, id, "a-2").With("Idempotency-Key", "key-1"))).Status.ShouldBe(HttpStatusCode.OK);
        looks.ShouldBeGreaterThan(2);
        var (_, items) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items"));
        items!["data"]!.AsArray().Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_turn_that_begins_while_its_conversation_is_deleted_does_not_outlive_it()
    {
        await using var store = new InterposedStore();
        await using var upstream = ScriptedUpstream.Start(call => call.Hold());
        await using var host = await StartAsync(upstream, store);
        var id = await CreateAsync(host);
        var isArmed = 1;
        string? response = null;
        store.Before = async (operation, path) =>
        {
            // The last moment before the first thing that the deletion does to the log.
            if (operation is not (nameof(IStreamLog.AppendAsync) or nameof(IStreamLog.DeleteAsync)) || path != $"conversations/{id}" || Interlocked.Exchange(ref isArmed, 0) == 0) return;
            response = (string?)(await Api.SendAsync(Ask(host, id, "Quick", ("background", true)))).Body!["id"];
        };
        (await Api.SendAsync(new RawRequest(host.Api.Url($"v1/conversations/{id}"), "DELETE"))).Status.ShouldBe(HttpStatusCode.OK);
        response.ShouldNotBeNull();
        (await Api.SendAsync(host.Api.Get($"v1/responses/{response}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(host.Api.Get($"v1/conversations/{id}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        var left = new List<string>();
        await foreach (var info in store.ListAsync()) left.Add(info.Path);
        left.ShouldNotContain(path => path.StartsWith("generations/", StringComparison.Ordinal) || path.StartsWith("conversations/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_key_of_one_that_was_deleted_is_free_but_for_as_long_as_branches_of_it_live()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        RawRequest Create() => host.Api.Post("v1/conversations", new JsonObject()).With("Idempotency-Key", "key-1");
        async Task DeleteAsync(string id) => (await Api.SendAsync(new RawRequest(host.Api.Url($"v1/conversations/{id}"), "DELETE"))).Status.ShouldBe(HttpStatusCode.OK);
        var id = (string)(await Api.SendAsync(Create())).Body!["id"]!;
        await DeleteAsync(id);
        ((string)(await Api.SendAsync(Create())).Body!["id"]!).ShouldBe(id);
        var branch = (string)(await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject { ["fork_from"] = id }))).Body!["id"]!;
        await DeleteAsync(id);
        var (status, error) = await Api.SendAsync(Create());
        status.ShouldBe(HttpStatusCode.UnprocessableContent);
        ((string)error!["error"]!["message"]!).ShouldContain("was deleted");
        await DeleteAsync(branch);
        (await Api.SendAsync(Create())).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_conversation_is_deleted_though_the_store_is_full()
    {
        await using var store = new InterposedStore();
        await using var upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
        await using var host = await StartAsync(upstream, store);
        var id = await CreateAsync(host);
        store.Before = (operation, _) => operation == nameof(IStreamLog.AppendAsync) ? throw new StreamStorageException("full") : Task.CompletedTask;
        (await Api.SendAsync(new RawRequest(host.Api.Url($"v1/conversations/{id}"), "DELETE"))).Status.ShouldBe(HttpStatusCode.OK);
        (await store.GetAsync($"conversations/{id}")).ShouldBeNull();
    }

    private static Task<PenstockHost> StartAsync(ScriptedUpstream upstream, InterposedStore store, Action<IServiceCollection>? more = null) =>
        PenstockHost.StartAsync(upstream, services =>
        {
            services.AddSingleton<IStreamLog>(store);
            more?.Invoke(services);
        });

    private static async Task<string> CreateAsync(PenstockHost host) => (string)(await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject()))).Body!["id"]!;

    private static RawRequest Ask(PenstockHost host, string conversation, string text, params (string Name, JsonNode? Value)[] members)
    {
        var body = new JsonObject { ["model"] = "up/m", ["input"] = text, ["conversation"] = conversation };
        foreach (var (name, value) in members) body[name] = value;
        return host.Api.Post("v1/responses", body);
    }

    private sealed class AheadTimeProvider : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromMinutes(10);
    }
}
