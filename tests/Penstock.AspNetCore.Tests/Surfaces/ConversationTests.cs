using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Configuration;
using Penstock.AspNetCore.Endpoints.Conversations;
using Penstock.AspNetCore.Tests.Auth;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>Conversations as OpenAI's SDKs keep them: a log each, of which every response's request is a fork.</summary>
public sealed class ConversationTests
{
    [Theory]
    [InlineData("responses", "memory")]
    [InlineData("chat-completions", "memory")]
    [InlineData("responses", "disk")]
    public async Task Each_turn_reaches_the_provider_after_all_that_was_said(string provider, string storage)
    {
        await using var host = await StartAsync(call => Responses.Play(call, [$"Answer to {Last(call)}"]), provider, storage);
        var id = await CreateAsync(host, ("items", new JsonArray(Message("developer", "Be brief."))));
        for (var turn = 0; turn < 3; turn++)
        {
            var (status, response) = await Api.SendAsync(Ask(host, id, $"Q{turn}", ("stream", false)));
            status.ShouldBe(HttpStatusCode.OK, response?.ToJsonString());
            response!["conversation"]!.ToJsonString().ShouldBe($$"""{"id":"{{id}}"}""");
            var request = (await host.Upstream.NextCallAsync()).Request!;
            request["conversation"].ShouldBeNull();
            request[provider == "responses" ? "input" : "messages"]!.AsArray().Count.ShouldBe(2 + (2 * turn));
        }

        Texts(await ItemsAsync(host, id)).ShouldBe(["Be brief.", "Q0", "Answer to Q0", "Q1", "Answer to Q1", "Q2", "Answer to Q2"]);
        var events = await SseClient.AllAsync(Ask(host, id, "Q3", ("stream", true), ("conversation", new JsonObject { ["id"] = id })));
        events[^1].Name.ShouldBe("response.completed");
        events[^1].Json()["response"]!["conversation"]!.ToJsonString().ShouldBe($$"""{"id":"{{id}}"}""");
        var items = await ItemsAsync(host, id);
        Texts(items)[^1].ShouldBe("Answer to Q3");
        items.Select(i => (string)i!["id"]!).Distinct().Count().ShouldBe(9); // though the provider names all its messages alike
    }

    [Fact]
    public async Task A_conversation_is_made_renamed_listed_exported_and_deleted()
    {
        await using var host = await StartAsync(call => Responses.Play(call, ["Hello"]));
        var first = await CreateAsync(host);
        var id = await CreateAsync(host, ("metadata", new JsonObject { ["title"] = "Rivers" }), ("items", new JsonArray(Message("user", "Hi"))));
        var (_, read) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}"));
        ((string)read!["object"]!).ShouldBe("conversation");
        ((long)read["created_at"]!).ShouldBeGreaterThan(1_700_000_000);
        read["metadata"]!.ToJsonString().ShouldBe("""{"title":"Rivers"}""");

        var (_, renamed) = await Api.SendAsync(host.Api.Post($"v1/conversations/{id}", new JsonObject { ["metadata"] = new JsonObject { ["title"] = "Lakes" } }));
        renamed!["metadata"]!.ToJsonString().ShouldBe("""{"title":"Lakes"}""");
        await Api.SendAsync(Ask(host, id, "And?"));
        var (_, list) = await Api.SendAsync(host.Api.Get("v1/conversations?limit=1"));
        list!["data"]!.AsArray().ShouldHaveSingleItem()!["metadata"]!.ToJsonString().ShouldBe("""{"title":"Lakes"}""");
        ((bool)list["has_more"]!).ShouldBeTrue();
        var (_, rest) = await Api.SendAsync(host.Api.Get($"v1/conversations?after={list["last_id"]}"));
        ((string)rest!["data"]!.AsArray().ShouldHaveSingleItem()!["id"]!).ShouldBe(first);
        ((bool)rest["has_more"]!).ShouldBeFalse();

        var (_, export) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/export"));
        Texts(export!["items"]!.AsArray()).ShouldBe(["Hi", "And?", "Hello"]);
        var response = (string)export["responses"]!.AsArray().ShouldHaveSingleItem()!;
        (await Api.SendAsync(host.Api.Get($"v1/responses/{response}"))).Status.ShouldBe(HttpStatusCode.OK);

        var (status, deleted) = await Api.SendAsync(Delete(host, $"v1/conversations/{id}"));
        status.ShouldBe(HttpStatusCode.OK);
        deleted!.ToJsonString().ShouldBe($$"""{"id":"{{id}}","object":"conversation.deleted","deleted":true}""");
        foreach (var path in (string[])[$"v1/conversations/{id}", $"v1/conversations/{id}/items", $"v1/conversations/{id}/export", $"v1/responses/{response}"])
            (await Api.SendAsync(host.Api.Get(path))).Status.ShouldBe(HttpStatusCode.NotFound, path);
        (await Api.SendAsync(Delete(host, $"v1/conversations/{id}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(Ask(host, id, "Still there?"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await PathsAsync(host)).ShouldBe([$"conversations/{first}"]); // of what was said nothing is kept
    }

    [Fact]
    public async Task Items_are_put_in_listed_in_pages_read_and_taken_out()
    {
        await using var host = await StartAsync(call => Responses.Play(call, ["Ok"]));
        var id = await CreateAsync(host);
        var (_, added) = await Api.SendAsync(host.Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = new JsonArray(Message("user", "One"), Message("assistant", "Two"), Message("user", "Three")) }));
        var ids = added!["data"]!.AsArray().Select(i => (string)i!["id"]!).ToList();
        ids.Count.ShouldBe(3);
        ((string)added["first_id"]!).ShouldBe(ids[0]);
        added["data"]![1]!.ToJsonString().ShouldBe($$"""{"id":"{{ids[1]}}","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Two"}]}""");

        var (_, newest) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items?limit=2"));
        newest!["data"]!.AsArray().Select(i => (string)i!["id"]!).ShouldBe([ids[2], ids[1]]);
        ((bool)newest["has_more"]!).ShouldBeTrue();
        var (_, oldest) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items?limit=2&after={ids[1]}"));
        oldest!["data"]!.AsArray().Select(i => (string)i!["id"]!).ShouldBe([ids[0]]);
        var (_, one) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items/{ids[1]}"));
        JsonNode.DeepEquals(one, added["data"]![1]).ShouldBeTrue();

        var (_, left) = await Api.SendAsync(Delete(host, $"v1/conversations/{id}/items/{ids[1]}"));
        ((string)left!["object"]!).ShouldBe("conversation");
        (await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items/{ids[1]}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Api.SendAsync(Delete(host, $"v1/conversations/{id}/items/{ids[1]}"))).Status.ShouldBe(HttpStatusCode.NotFound);
        await Api.SendAsync(Ask(host, id, "Four"));
        (await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray().Select(m => (string)m!["content"]!).ShouldBe(["One", "Three", "Four"]);
    }

    [Fact]
    public async Task While_a_response_is_made_nothing_else_is_said()
    {
        var go = new TaskCompletionSource();
        await using var host = await StartAsync(async call =>
        {
            if (Last(call) == "Slow") await go.Task;
            await Responses.Play(call, [$"Answer to {Last(call)}"]);
        });
        var id = await CreateAsync(host, ("items", new JsonArray(Message("user", "Hi"))));
        var slow = Api.SendAsync(Ask(host, id, "Slow"));
        await host.Upstream.NextCallAsync();
        var item = (string)(await ItemsAsync(host, id))[0]!["id"]!;
        foreach (var request in (RawRequest[])
        [
            Ask(host, id, "Fast"), Delete(host, $"v1/conversations/{id}/items/{item}"),
            host.Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = new JsonArray(Message("user", "Between")) }),
        ])
        {
            using var reply = await RawReply.SendAsync(request);
            ((HttpStatusCode)reply.Status).ShouldBe(HttpStatusCode.Conflict);
            reply.Headers["Retry-After"].ShouldBe("1");
            ((string)JsonNode.Parse(await reply.TextAsync())!["error"]!["code"]!).ShouldBe("conversation_locked");
        }

        (await Api.SendAsync(host.Api.Post($"v1/conversations/{id}", new JsonObject { ["metadata"] = new JsonObject { ["title"] = "T" } }))).Status.ShouldBe(HttpStatusCode.OK);
        go.SetResult();
        (await slow).Status.ShouldBe(HttpStatusCode.OK);
        (await Api.SendAsync(Ask(host, id, "Fast"))).Status.ShouldBe(HttpStatusCode.OK);
        Texts(await ItemsAsync(host, id)).ShouldBe(["Hi", "Slow", "Answer to Slow", "Fast", "Answer to Fast"]);
        host.Upstream.Calls.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task Of_many_at_once_each_turn_is_whole_and_none_is_lost(string storage)
    {
        await using var host = await StartAsync(call => Responses.Play(call, [$"Answer to {Last(call)}"]), storage: storage);
        var id = await CreateAsync(host);
        var asked = await Task.WhenAll(Enumerable.Range(0, 6).Select(async client =>
        {
            var said = new List<string>();
            for (var turn = 0; turn < 4;)
            {
                var (status, _) = await Api.SendAsync(Ask(host, id, $"{client}.{turn}"));
                if (status == HttpStatusCode.Conflict) continue;
                status.ShouldBe(HttpStatusCode.OK);
                said.Add($"{client}.{turn++}");
            }

            return said;
        }));
        var texts = Texts(await ItemsAsync(host, id));
        texts.Count.ShouldBe(48);
        texts.Where((_, place) => place % 2 == 0).Order().ShouldBe(asked.SelectMany(s => s).Order());
        for (var place = 0; place < texts.Count; place += 2) texts[place + 1].ShouldBe($"Answer to {texts[place]}");
        host.Upstream.Calls.Count.ShouldBe(24); // whoever came too early cost nothing
    }

    [Fact]
    public async Task Sent_again_with_its_key_a_turn_is_one()
    {
        await using var host = await StartAsync(call => Responses.Play(call, ["Ok"]));
        var id = await CreateAsync(host);
        var ask = Ask(host, id, "Hi").With("Idempotency-Key", "turn-1");
        var (_, first) = await Api.SendAsync(ask);
        await Api.SendAsync(Ask(host, id, "More"));
        var (status, again) = await Api.SendAsync(ask);
        status.ShouldBe(HttpStatusCode.OK);
        ((string)again!["id"]!).ShouldBe((string)first!["id"]!);
        Texts(await ItemsAsync(host, id)).ShouldBe(["Hi", "Ok", "More", "Ok"]);

        var add = host.Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = new JsonArray(Message("user", "Note")) }).With("Idempotency-Key", "items-1");
        var (_, added) = await Api.SendAsync(add);
        JsonNode.DeepEquals((await Api.SendAsync(add)).Body, added).ShouldBeTrue();
        (await ItemsAsync(host, id)).Count.ShouldBe(5);
        (await Api.SendAsync(host.Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = new JsonArray(Message("user", "Other")) }).With("Idempotency-Key", "items-1"))).Status.ShouldBe(HttpStatusCode.UnprocessableEntity);

        var create = host.Api.Post("v1/conversations", new JsonObject { ["metadata"] = new JsonObject { ["a"] = "b" } }).With("Idempotency-Key", "conv-1");
        var made = (string)(await Api.SendAsync(create)).Body!["id"]!;
        ((string)(await Api.SendAsync(create)).Body!["id"]!).ShouldBe(made);
        (await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject()).With("Idempotency-Key", "conv-1"))).Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task What_failed_is_not_in_it_and_what_was_stopped_is_as_far_as_it_came()
    {
        await using var host = await StartAsync(async call =>
        {
            switch (Last(call))
            {
                case "Fail":
                    await call.Json(400, """{"error":{"message":"No."}}""");
                    break;
                case "Stop":
                    await Responses.Begin(call);
                    await Responses.Text(call, "Half an");
                    await call.Hold();
                    break;
                default:
                    await Responses.Play(call, ["Whole"]);
                    break;
            }
        });
        var id = await CreateAsync(host);
        (await Api.SendAsync(Ask(host, id, "Fail"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        await Api.SendAsync(Ask(host, id, "Ask"));
        using var client = await SseClient.OpenAsync(Ask(host, id, "Stop", ("stream", true)));
        SseEvent? seen;
        while ((seen = await client.NextAsync())?.Name != "response.output_text.delta") seen.ShouldNotBeNull();
        await host.Api.StopAsync(client.Generation!);
        Texts(await ItemsAsync(host, id)).ShouldBe(["Ask", "Whole", "Stop", "Half an"]);
        (await Api.SendAsync(Ask(host, id, "Ask"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task A_branch_shares_what_was_said_and_outlives_what_it_branched_off(string storage)
    {
        await using var host = await StartAsync(call => Responses.Play(call, [$"Answer to {Last(call)}"]), storage: storage);
        var id = await CreateAsync(host, ("items", new JsonArray(Message("user", "A"), Message("user", "B"))));
        await Api.SendAsync(Ask(host, id, "One"));
        await Api.SendAsync(Ask(host, id, "Two"));
        var items = await ItemsAsync(host, id);
        var all = await CreateAsync(host, ("fork_from", id), ("metadata", new JsonObject { ["title"] = "All" }));
        var some = await CreateAsync(host, ("fork_from", id), ("fork_after", (string)items[3]!["id"]!), ("items", new JsonArray(Message("user", "Else"))));
        var part = await CreateAsync(host, ("fork_from", id), ("fork_after", (string)items[0]!["id"]!));
        Texts(await ItemsAsync(host, all)).ShouldBe(["A", "B", "One", "Answer to One", "Two", "Answer to Two"]);
        Texts(await ItemsAsync(host, some)).ShouldBe(["A", "B", "One", "Answer to One", "Else"]);
        Texts(await ItemsAsync(host, part)).ShouldBe(["A"]);

        // Nothing was copied: a branch has one record of its own.
        var log = host.Services.GetRequiredService<IStreamLog>();
        (await log.GetAsync($"conversations/{all}"))!.NextOffset.ShouldBe((await log.GetAsync($"conversations/{id}"))!.NextOffset + 1);

        (await Api.SendAsync(Delete(host, $"v1/conversations/{id}"))).Status.ShouldBe(HttpStatusCode.OK);
        await Api.SendAsync(Ask(host, all, "Three"));
        Texts(await ItemsAsync(host, all)).ShouldBe(["A", "B", "One", "Answer to One", "Two", "Answer to Two", "Three", "Answer to Three"]);
        (await Api.SendAsync(Delete(host, $"v1/conversations/{all}"))).Status.ShouldBe(HttpStatusCode.OK);
        await Api.SendAsync(Ask(host, some, "Four"));
        Texts(await ItemsAsync(host, some))[^1].ShouldBe("Answer to Four");
    }

    [Fact]
    public async Task What_was_taken_out_is_not_in_a_branch_from_before()
    {
        await using var host = await StartAsync(call => Responses.Play(call, ["Ok"]));
        var id = await CreateAsync(host, ("items", new JsonArray(Message("user", "Secret"), Message("user", "B"))));
        await Api.SendAsync(Ask(host, id, "One"));
        var items = await ItemsAsync(host, id);
        await Api.SendAsync(Delete(host, $"v1/conversations/{id}/items/{items[0]!["id"]}"));
        var branch = await CreateAsync(host, ("fork_from", id), ("fork_after", (string)items[1]!["id"]!));
        Texts(await ItemsAsync(host, branch)).ShouldBe(["B"]);
    }

    [Fact]
    public async Task A_branch_may_begin_with_the_id_of_what_was_taken_out_after_it()
    {
        await using var host = await StartAsync(null);
        var id = await CreateAsync(host, ("items", new JsonArray(Message("user", "A"))));
        var wrong = Message("user", "Wrong");
        wrong["id"] = "msg_mine";
        await Api.SendAsync(host.Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = new JsonArray(wrong) }));
        await Api.SendAsync(Delete(host, $"v1/conversations/{id}/items/msg_mine"));
        var (first, right) = ((await ItemsAsync(host, id))[0]!["id"]!, Message("user", "Right"));
        right["id"] = "msg_mine";
        var branch = await CreateAsync(host, ("fork_from", id), ("fork_after", (string)first!), ("items", new JsonArray(right)));
        Texts(await ItemsAsync(host, branch)).ShouldBe(["A", "Right"]);
    }

    [Fact]
    public async Task It_outlives_a_restart_and_a_crash_in_the_middle_of_a_turn()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        try
        {
            string id;
            await using (var host = await StartAsync(call => Last(call) == "Hold" ? call.Hold() : Responses.Play(call, ["Ok"]), storage: "disk", settings: [("Storage:Path", folder), ("Generations:ShutdownTimeout", "00:00:00.001")]))
            {
                id = await CreateAsync(host);
                await Api.SendAsync(Ask(host, id, "One"));
                await Api.SendAsync(Ask(host, id, "Hold", ("background", true)));
                await host.Upstream.NextCallAsync();
            }

            await using (var host = await StartAsync(call => Responses.Play(call, ["Ok"]), storage: "disk", settings: [("Storage:Path", folder)]))
            {
                await Api.SendAsync(Ask(host, id, "Two"));
                Texts(await ItemsAsync(host, id)).ShouldBe(["One", "Ok", "Two", "Ok"]);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Anothers_conversation_is_nobodys()
    {
        var (alice, bob) = (TestKey.For("alice"), TestKey.For("bob"));
        await using var host = await TestKeys.StartAsync(alice, bob);
        var (_, hers) = await Api.SendAsync(host.Api.Post("v1/conversations", new JsonObject { ["items"] = new JsonArray(Message("user", "Hers")) }).By(alice));
        var id = (string)hers!["id"]!;
        const string Nobodys = "conv_0123456789abcdef0123456789abcdef";
        var (_, items) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items").By(alice));
        var item = (string)items!["data"]![0]!["id"]!;
        IEnumerable<RawRequest> All(string name) =>
        [
            host.Api.Get($"v1/conversations/{name}"), host.Api.Get($"v1/conversations/{name}/export"), host.Api.Get($"v1/conversations/{name}/items"), host.Api.Get($"v1/conversations/{name}/items/{item}"),
            host.Api.Post($"v1/conversations/{name}", new JsonObject { ["metadata"] = new JsonObject() }),
            host.Api.Post($"v1/conversations/{name}/items", new JsonObject { ["items"] = new JsonArray(Message("user", "His")) }),
            host.Api.Post("v1/conversations", new JsonObject { ["fork_from"] = name }),
            host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = "a-3", ["conversation"] = name }),
            Delete(host, $"v1/conversations/{name}/items/{item}"), Delete(host, $"v1/conversations/{name}"),
        ];
        foreach (var (real, made) in All(id).Zip(All(Nobodys)))
        {
            var text = await real.By(bob).TextAsync();
            text.ShouldStartWith("404");
            text.Replace(id, Nobodys, StringComparison.Ordinal).ShouldBe(await made.By(bob).TextAsync());
        }

        (await Api.SendAsync(host.Api.Get("v1/conversations").By(bob))).Body!["data"]!.AsArray().ShouldBeEmpty();
        (await Api.SendAsync(host.Api.Get("v1/conversations").By(alice))).Body!["data"]!.AsArray().Count.ShouldBe(1);
        Texts((await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items").By(alice))).Body!["data"]!.AsArray()).ShouldBe(["Hers"]);
        host.Upstream.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_is_as_long_as_a_stream_may_be_says_so_and_goes_on()
    {
        await using var host = await StartAsync(call => Responses.Play(call, ["Ok"]), settings: [("Storage:MaxStreamBytes", "4000")]);
        var id = await CreateAsync(host, ("items", new JsonArray(Message("user", "Hi"))));
        var add = host.Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = new JsonArray(Message("user", new string('x', 4000))) });
        var (status, error) = await Api.SendAsync(add);
        status.ShouldBe(HttpStatusCode.InsufficientStorage);
        ((string)error!["error"]!["message"]!).ShouldNotBeNullOrEmpty();
        Texts(await ItemsAsync(host, id)).ShouldBe(["Hi"]);
        (await Api.SendAsync(Ask(host, id, "And?"))).Status.ShouldBe(HttpStatusCode.OK);
        Texts(await ItemsAsync(host, id)).ShouldBe(["Hi", "And?", "Ok"]);
    }

    [Theory]
    [InlineData("""{"input":"x","conversation":5}""", "conversation")]
    [InlineData("""{"input":"x","conversation":{}}""", "conversation.id")]
    [InlineData("""{"input":"x","conversation":"conv_1","previous_response_id":"resp_1"}""", "conversation")]
    public async Task What_names_no_conversation_is_refused(string body, string param)
    {
        await using var host = await StartAsync(null);
        var (status, error) = await Api.SendAsync(host.Api.Post("v1/responses", JsonNode.Parse(body)!));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)error!["error"]!["param"]!).ShouldBe(param);
    }

    [Theory]
    [InlineData("""{"metadata":[]}""", "metadata")]
    [InlineData("""{"metadata":{"a":1}}""", "metadata.a")]
    [InlineData("""{"items":"x"}""", "items")]
    [InlineData("""{"items":[{"role":"nobody","content":"x"}]}""", "items[0].role")]
    [InlineData("""{"items":[{"type":"function_call","name":"f"}]}""", "items[0].call_id")]
    public async Task What_no_conversation_can_be_made_of_is_refused(string body, string param)
    {
        await using var host = await StartAsync(null);
        var (status, error) = await Api.SendAsync(host.Api.Post("v1/conversations", JsonNode.Parse(body)!));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)error!["error"]!["param"]!).ShouldBe(param);
    }

    [Theory]
    [InlineData("conv\\u0065rsation", HttpStatusCode.NotFound)]
    [InlineData("previous_r\\u0065sponse_id", HttpStatusCode.BadRequest)]
    public async Task What_a_turn_goes_on_from_may_be_spelt_with_escapes(string member, HttpStatusCode expected)
    {
        await using var host = await StartAsync(call => Responses.Play(call, ["Ok"]), "responses");
        var (status, error) = await Api.SendAsync(RawRequest.Post(host.Api.Url("v1/responses"), $$"""{"model":"up/m","input":"Hi","{{member}}":"resp_of_somebody_else"}"""));
        status.ShouldBe(expected, error?.ToJsonString());
    }

    [Fact]
    public async Task Many_items_are_put_in_as_fast_as_few()
    {
        await using var host = await StartAsync(call => Responses.Play(call, ["Ok"]));
        var id = await CreateAsync(host);
        const string Item = """{"role":"user","content":"a"}""";
        var many = $$"""{"items":[{{string.Join(',', Enumerable.Repeat(Item, 150_000))}}]}""";
        var (status, added) = await Api.SendTextAsync(RawRequest.Post(host.Api.Url($"v1/conversations/{id}/items"), many)).WaitAsync(TimeSpan.FromSeconds(20));
        status.ShouldBe(HttpStatusCode.OK);
        added.Length.ShouldBeGreaterThan(many.Length);
    }

    // HTTP/2 has a body of which no header says that it is there.
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task A_body_counts_though_no_header_says_how_long_it_is(bool hasBody, int count)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpRequestBodyDetectionFeature>(new Detected(hasBody));
        context.Request.ContentType = "application/json";
        context.Request.Body = new MemoryStream("""{"items":[{"role":"user","content":"Hi"}]}"""u8.ToArray());
        using var body = await ConversationBody.ReadAsync(context, new PenstockOptions(), mayBeEmpty: true);
        body.Items().Count.ShouldBe(count);
    }

    private sealed record Detected(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;

    private static Task<PenstockHost> StartAsync(UpstreamScript? script, string provider = "chat-completions", string storage = "memory", params (string, string)[] settings) =>
        PenstockHost.StartAsync(script, storage, [("Providers:up:Protocol", provider), .. settings]);

    private static async Task<string> CreateAsync(PenstockHost host, params (string Name, JsonNode? Value)[] members)
    {
        var body = new JsonObject();
        foreach (var (name, value) in members) body[name] = value;
        var (status, conversation) = await Api.SendAsync(host.Api.Post("v1/conversations", body));
        status.ShouldBe(HttpStatusCode.OK, conversation?.ToJsonString());
        return (string)conversation!["id"]!;
    }

    private static RawRequest Ask(PenstockHost host, string conversation, string text, params (string Name, JsonNode? Value)[] members)
    {
        var body = new JsonObject { ["model"] = "up/m", ["input"] = text, ["conversation"] = conversation };
        foreach (var (name, value) in members) body[name] = value;
        return host.Api.Post("v1/responses", body);
    }

    private static RawRequest Delete(PenstockHost host, string path) => new(host.Api.Url(path)) { Method = "DELETE" };

    private static async Task<JsonArray> ItemsAsync(PenstockHost host, string id)
    {
        var (status, list) = await Api.SendAsync(host.Api.Get($"v1/conversations/{id}/items?order=asc&limit=100"));
        status.ShouldBe(HttpStatusCode.OK, list?.ToJsonString());
        return list!["data"]!.AsArray();
    }

    private static async Task<IReadOnlyList<string>> PathsAsync(PenstockHost host)
    {
        var paths = new List<string>();
        await foreach (var info in host.Services.GetRequiredService<IStreamLog>().ListAsync()) paths.Add(info.Path);
        return paths;
    }

    private static JsonObject Message(string role, string text) => new() { ["role"] = role, ["content"] = text };

    private static IReadOnlyList<string> Texts(JsonArray items) => [.. items.Select(i => string.Concat(i!["content"]!.AsArray().Select(c => (string)c!["text"]!)))];

    // What was asked last, whichever protocol it was asked in.
    private static string Last(UpstreamCall call)
    {
        var content = (call.Request!["messages"] ?? call.Request["input"])!.AsArray()[^1]!["content"]!;
        return content is JsonArray parts ? (string)parts[0]!["text"]! : (string)content!;
    }
}
