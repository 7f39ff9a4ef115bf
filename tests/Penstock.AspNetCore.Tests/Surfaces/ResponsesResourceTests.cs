using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Surfaces;

/// <summary>Responses as a resource: the log is the store, the chain of logs the conversation.</summary>
public sealed class ResponsesResourceTests
{
    [Theory]
    [InlineData("responses")]
    [InlineData("chat-completions")]
    public async Task What_is_stored_is_what_was_streamed(string provider)
    {
        await using var host = await StartAsync(provider, call => Responses.Play(call, ["Hel", "lo"]));
        var events = await SseClient.AllAsync(Create(host, ("stream", true)));
        events[^1].Name.ShouldBe("response.completed");
        var streamed = events[^1].Json()["response"]!;
        var (status, stored) = await Api.SendAsync(host.Api.Get($"v1/responses/{streamed["id"]}"));
        status.ShouldBe(HttpStatusCode.OK);
        JsonNode.DeepEquals(stored, streamed).ShouldBeTrue($"{stored}\n{streamed}");
        ((string)stored!["output"]![0]!["content"]![0]!["text"]!).ShouldBe("Hello");
        ((string)stored["status"]!).ShouldBe("completed");
    }

    [Theory]
    [InlineData("responses")]
    [InlineData("chat-completions")]
    public async Task What_is_stored_is_the_document_that_was_answered(string provider)
    {
        await using var host = await StartAsync(provider, call => Responses.Play(call, ["Hel", "lo"]));
        var (status, answered) = await Api.SendAsync(Create(host));
        status.ShouldBe(HttpStatusCode.OK);
        var (_, stored) = await Api.SendAsync(host.Api.Get($"v1/responses/{answered!["id"]}"));
        JsonNode.DeepEquals(stored, answered).ShouldBeTrue($"{stored}\n{answered}");
        ((string)answered["output"]![0]!["content"]![0]!["text"]!).ShouldBe("Hello");
        ((int)answered["usage"]!["input_tokens"]!).ShouldBe(7);
    }

    [Theory]
    [InlineData("responses")]
    [InlineData("chat-completions")]
    public async Task A_background_stream_is_cut_resumed_by_number_and_cancelled_from_a_third_connection(string provider)
    {
        await using var host = await StartAsync(provider, async call =>
        {
            await Responses.Begin(call);
            await Responses.Text(call, "One ");
            await Responses.Text(call, "two");
            await call.Hold();
        });
        using var first = await SseClient.OpenAsync(Create(host, ("stream", true), ("background", true)));
        var seen = new List<SseEvent>();
        while (seen.Count(e => e.Name == "response.output_text.delta") < 1) seen.Add((await first.NextAsync())!);
        var id = (string)seen[0].Json()["response"]!["id"]!;
        ((bool)seen[0].Json()["response"]!["background"]!).ShouldBeTrue();
        first.Cut();

        var number = (long)seen[^1].Json()["sequence_number"]!;
        using var second = await SseClient.OpenAsync(host.Api.Get($"v1/responses/{id}?stream=true&starting_after={number}"));
        seen.Add((await second.NextAsync())!);
        seen[^1].Name.ShouldBe("response.output_text.delta");

        var (_, running) = await Api.SendAsync(host.Api.Get($"v1/responses/{id}"));
        ((string)running!["status"]!).ShouldBe("in_progress");
        Text(running).ShouldBe("One two");

        var (status, cancelled) = await Api.SendAsync(host.Api.Post($"v1/responses/{id}/cancel", new JsonObject()));
        status.ShouldBe(HttpStatusCode.OK);
        ((string)cancelled!["status"]!).ShouldBe("cancelled");
        seen.AddRange(await second.RestAsync());
        for (var i = 0; i < seen.Count; i++) ((long)seen[i].Json()["sequence_number"]!).ShouldBe(i);
        seen[^1].Name.ShouldBe("response.incomplete");
        Text(seen[^1].Json()["response"]!).ShouldBe("One two");

        var (_, again) = await Api.SendAsync(host.Api.Post($"v1/responses/{id}/cancel", new JsonObject()));
        var (_, stored) = await Api.SendAsync(host.Api.Get($"v1/responses/{id}"));
        foreach (var response in (JsonNode?[])[cancelled, again, stored])
            JsonNode.DeepEquals(response, seen[^1].Json()["response"]).ShouldBeTrue($"{response}");

        var all = await SseClient.AllAsync(host.Api.Get($"v1/responses/{id}?stream=true"));
        all.Select(e => e.Data).ShouldBe(seen.Select(e => e.Data));
    }

    [Fact]
    public async Task A_background_response_is_answered_at_once_and_there_when_it_is_done()
    {
        var go = new TaskCompletionSource();
        await using var host = await StartAsync("responses", async call =>
        {
            await go.Task;
            await Responses.Play(call, ["Done"]);
        });
        var (status, response) = await Api.SendAsync(Create(host, ("background", true)));
        status.ShouldBe(HttpStatusCode.OK);
        ((string)response!["status"]!).ShouldBeOneOf("queued", "in_progress");
        response["output"]!.AsArray().ShouldBeEmpty();
        go.SetResult();
        JsonNode? stored = null;
        await Eventually.Is(
            async () => (string?)(stored = (await Api.SendAsync(host.Api.Get($"v1/responses/{response["id"]}"))).Body)!["status"] == "completed", "the response completes");
        Text(stored!).ShouldBe("Done");
        ((bool)stored!["background"]!).ShouldBeTrue();
        var call = await host.Upstream.NextCallAsync();
        call.Request!["background"].ShouldBeNull();
        var events = await SseClient.AllAsync(host.Api.Get($"v1/responses/{response["id"]}?stream=true&starting_after=1"));
        ((long)events[0].Json()["sequence_number"]!).ShouldBe(2);
        events[^1].Name.ShouldBe("response.completed");
    }

    [Fact]
    public async Task A_deleted_response_stops_and_is_gone_everywhere()
    {
        await using var host = await StartAsync("responses", async call =>
        {
            await Responses.Begin(call);
            await call.Hold();
        });
        using var client = await SseClient.OpenAsync(Create(host, ("stream", true), ("background", true)));
        var id = (string)(await client.NextAsync())!.Json()["response"]!["id"]!;
        var call = await host.Upstream.NextCallAsync();
        var (status, body) = await Api.SendAsync(new RawRequest(host.Api.Url($"v1/responses/{id}")) { Method = "DELETE" });
        status.ShouldBe(HttpStatusCode.OK);
        body!.ToJsonString().ShouldBe($$"""{"id":"{{id}}","object":"response","deleted":true}""");
        await call.Closed.WaitAsync(Eventually.Limit);
        foreach (var path in (string[])[$"v1/responses/{id}", $"v1/responses/{id}?stream=true", $"v1/responses/{id}/input_items", $"v1/generations/{client.Generation}"])
            (await Api.SendAsync(host.Api.Get(path))).Status.ShouldBe(HttpStatusCode.NotFound, path);
        var (again, error) = await Api.SendAsync(new RawRequest(host.Api.Url($"v1/responses/{id}")) { Method = "DELETE" });
        again.ShouldBe(HttpStatusCode.NotFound);
        ((string)error!["error"]!["type"]!).ShouldBe("invalid_request_error");
        var (refused, why) = await Api.SendAsync(Create(host, ("previous_response_id", id)));
        refused.ShouldBe(HttpStatusCode.BadRequest);
        ((string)why!["error"]!["code"]!).ShouldBe("previous_response_not_found");
    }

    [Fact]
    public async Task A_response_that_is_not_stored_resumes_while_it_runs_and_is_nowhere_to_read()
    {
        var go = new TaskCompletionSource();
        await using var host = await StartAsync("chat-completions", async call =>
        {
            await Responses.Begin(call);
            await Responses.Text(call, "One ");
            await go.Task;
            await Responses.Text(call, "two");
            await Responses.End(call);
        });
        using var first = await SseClient.OpenAsync(Create(host, ("stream", true), ("store", false)));
        var seen = new List<SseEvent>();
        while (seen.Count(e => e.Name == "response.output_text.delta") < 1) seen.Add((await first.NextAsync())!);
        var id = (string)seen[0].Json()["response"]!["id"]!;
        first.Cut();
        var resume = SseClient.OpenAsync(host.Api.Post("v1/responses", new JsonObject()).With("Last-Event-ID", first.LastEventId));
        go.SetResult();
        using var second = await resume;
        seen.AddRange(await second.RestAsync());
        Text(seen[^1].Json()["response"]!).ShouldBe("One two");
        for (var i = 0; i < seen.Count; i++) ((long)seen[i].Json()["sequence_number"]!).ShouldBe(i);
        foreach (var path in (string[])[$"v1/responses/{id}", $"v1/responses/{id}?stream=true", $"v1/responses/{id}/input_items"])
            (await Api.SendAsync(host.Api.Get(path))).Status.ShouldBe(HttpStatusCode.NotFound, path);
        (await Api.SendAsync(Create(host, ("previous_response_id", id)))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_conversation_goes_on_from_its_last_response()
    {
        await using var host = await StartAsync("responses", call => Responses.Play(call, ["Answer"]));
        var (_, first) = await Api.SendAsync(Create(host, ("input", "One?"), ("instructions", "Be brief.")));
        await host.Upstream.NextCallAsync();
        var (_, second) = await Api.SendAsync(Create(host, ("input", new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Two?" })), ("previous_response_id", (string)first!["id"]!)));
        ((string)second!["previous_response_id"]!).ShouldBe((string)first["id"]!);
        var call = await host.Upstream.NextCallAsync();
        call.Request!["previous_response_id"].ShouldBeNull();
        call.Request["instructions"].ShouldBeNull(); // not inherited
        call.Request["input"]!.ToJsonString().ShouldBe("""
            [{"type":"message","role":"user","content":[{"type":"input_text","text":"One?"}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Answer","annotations":[],"logprobs":[]}]},{"role":"user","content":"Two?"}]
            """.Trim());

        var (_, items) = await Api.SendAsync(host.Api.Get($"v1/responses/{second["id"]}/input_items?order=asc&limit=2"));
        items!["data"]!.AsArray().Select(i => (string)i!["role"]!).ShouldBe(["user", "assistant"]);
        ((bool)items["has_more"]!).ShouldBeTrue();
        var (_, rest) = await Api.SendAsync(host.Api.Get($"v1/responses/{second["id"]}/input_items?order=asc&after={items["last_id"]}"));
        ((string)rest!["data"]!.AsArray().ShouldHaveSingleItem()!["content"]![0]!["text"]!).ShouldBe("Two?");

        var (_, third) = await Api.SendAsync(Create(host, ("input", "Three?"), ("previous_response_id", (string)second["id"]!)));
        third!["output"]!.AsArray().Count.ShouldBe(1);
        (await host.Upstream.NextCallAsync()).Request!["input"]!.AsArray().Count.ShouldBe(5);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("disk")]
    public async Task A_conversation_goes_on_though_an_earlier_response_was_deleted(string storage)
    {
        await using var host = await StartAsync("chat-completions", call => Responses.Play(call, ["Answer"]), storage);
        var ids = new List<string>();
        for (var turn = 0; turn < 5; turn++)
        {
            var (_, response) = await Api.SendAsync(Create(host, ("input", $"Turn {turn}"), ("previous_response_id", ids.LastOrDefault())));
            ids.Add((string)response!["id"]!);
            (await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray().Count.ShouldBe((2 * turn) + 1);
        }

        foreach (var id in (string[])[ids[0], ids[3]])
            (await Api.SendAsync(new RawRequest(host.Api.Url($"v1/responses/{id}")) { Method = "DELETE" })).Status.ShouldBe(HttpStatusCode.OK);
        (await Api.SendAsync(Create(host, ("previous_response_id", ids[3])))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await Api.SendAsync(Create(host, ("previous_response_id", ids[4])))).Status.ShouldBe(HttpStatusCode.OK);
        var messages = (await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray();
        messages.Count.ShouldBe(11);
        messages[0]!.ToJsonString().ShouldContain("Turn 0");
        var (_, items) = await Api.SendAsync(host.Api.Get($"v1/responses/{ids[4]}/input_items?order=asc"));
        items!["data"]!.AsArray().Count.ShouldBe(9);
    }

    [Fact]
    public async Task A_conversation_with_a_tool_goes_on_at_a_provider_of_another_protocol()
    {
        await using var host = await StartAsync("chat-completions", null);
        host.Upstream.Reply(call => call.Sse([Chat.Role(), Chat.Reasoning("Hm."), Chat.ToolCall(0, "call_1", "look", """{"x":1}"""), Chat.Finish("tool_calls"), "[DONE]"]));
        host.Upstream.Reply(call => call.Sse([.. Chat.Answer(["Fine."]), "[DONE]"]));
        var tools = JsonNode.Parse("""[{"type":"function","name":"look","parameters":{"type":"object"}}]""");
        var events = await SseClient.AllAsync(Create(host, ("stream", true), ("tools", tools)));
        var response = events[^1].Json()["response"]!;
        response["output"]!.AsArray().Select(i => (string)i!["type"]!).ShouldBe(["reasoning", "function_call"]);
        ((string)response["tools"]![0]!["name"]!).ShouldBe("look");
        await host.Upstream.NextCallAsync();
        var output = new JsonArray(new JsonObject { ["type"] = "function_call_output", ["call_id"] = "call_1", ["output"] = "42" });
        var (_, answer) = await Api.SendAsync(Create(host, ("input", output), ("tools", tools!.DeepClone()), ("previous_response_id", (string)response["id"]!)));
        Text(answer!).ShouldBe("Fine.");
        var messages = (await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray();
        messages.Select(m => (string)m!["role"]!).ShouldBe(["user", "assistant", "tool"]);
        ((string)messages[1]!["tool_calls"]![0]!["function"]!["arguments"]!).ShouldBe("""{"x":1}""");
        ((string)messages[2]!["content"]!).ShouldBe("42");
    }

    [Fact]
    public async Task A_conversation_does_not_go_on_from_a_response_that_runs()
    {
        await using var host = await StartAsync("responses", async call =>
        {
            await Responses.Begin(call);
            await call.Hold();
        });
        var (_, first) = await Api.SendAsync(Create(host, ("background", true)));
        var (status, error) = await Api.SendAsync(Create(host, ("previous_response_id", (string)first!["id"]!)));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)error!["error"]!["param"]!).ShouldBe("previous_response_id");
    }

    [Fact]
    public async Task A_response_and_its_conversation_outlive_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        try
        {
            string id;
            await using (var host = await StartAsync("responses", call => Responses.Play(call, ["Answer"]), "disk", ("Storage:Path", folder)))
                id = (string)(await Api.SendAsync(Create(host, ("input", "One?")))).Body!["id"]!;
            await using (var host = await StartAsync("chat-completions", call => Responses.Play(call, ["More"]), "disk", ("Storage:Path", folder)))
            {
                Text((await Api.SendAsync(host.Api.Get($"v1/responses/{id}"))).Body!).ShouldBe("Answer");
                Text((await Api.SendAsync(Create(host, ("input", "Two?"), ("previous_response_id", id)))).Body!).ShouldBe("More");
                (await host.Upstream.NextCallAsync()).Request!["messages"]!.AsArray().Count.ShouldBe(3);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task An_item_may_be_named_wherever_it_was_said()
    {
        await using var host = await StartAsync("responses", call => Responses.Play(call, ["Ho."]));
        var (_, first) = await Api.SendAsync(Create(host, ("input", "What was asked")));
        var (_, asked) = await Api.SendAsync(host.Api.Get($"v1/responses/{first!["id"]}/input_items"));
        var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", JsonNode.Parse("""{"items":[{"role":"user","content":"Put in","id":"msg_mine"}]}""")!));
        var conversation = (string)made!["id"]!;
        var (_, turn) = await Api.SendAsync(Create(host, ("conversation", conversation), ("input", "A turn")));
        var (_, items) = await Api.SendAsync(host.Api.Get($"v1/conversations/{conversation}/items?order=asc"));
        var said = items!["data"]!.AsArray().Select(i => (string)i!["id"]!).ToList();
        said.Count.ShouldBe(3);

        async Task<string> ReferAsync(string id, params (string Name, JsonNode? Value)[] members)
        {
            var before = host.Upstream.Calls.Count;
            var input = new JsonArray(new JsonObject { ["type"] = "item_reference", ["id"] = id }, new JsonObject { ["role"] = "user", ["content"] = "So?" });
            var (status, body) = await Api.SendAsync(Create(host, [("input", input), ("store", false), .. members]));
            return status == HttpStatusCode.OK ? host.Upstream.Calls.Skip(before).Single().Request!["input"]!.ToJsonString() : (string)body!["error"]!["code"]!;
        }

        (await ReferAsync((string)asked!["data"]![0]!["id"]!)).ShouldContain("What was asked");
        (await ReferAsync(said[1])).ShouldContain("A turn");
        (await ReferAsync("msg_mine", ("conversation", conversation))).Split("Put in").Length.ShouldBe(3); // there, and named
        (await ReferAsync("msg_upstream", ("previous_response_id", (string)first["id"]!))).Split("Ho.").Length.ShouldBe(3);
        (await ReferAsync("msg_upstream")).ShouldContain("item_reference"); // the provider may know it
        (await ReferAsync($"msg_{new string('0', 32)}_0")).ShouldBe("item_not_found");
        (await ReferAsync($"{said[1]}9")).ShouldBe("item_not_found");
    }

    private static Task<PenstockHost> StartAsync(string provider, UpstreamScript? script, string storage = "memory", params (string, string)[] settings) =>
        PenstockHost.StartAsync(script, storage, [("Providers:up:Protocol", provider), .. settings]);

    private static RawRequest Create(PenstockHost host, params (string Name, JsonNode? Value)[] members)
    {
        var body = new JsonObject { ["model"] = "up/m", ["input"] = "Hi" };
        foreach (var (name, value) in members) body[name] = value;
        return host.Api.Post("v1/responses", body);
    }

    private static string Text(JsonNode response) =>
        string.Concat(response["output"]!.AsArray().Where(i => (string?)i!["type"] == "message").SelectMany(i => i!["content"]!.AsArray()).Select(c => (string?)c!["text"]));
}
