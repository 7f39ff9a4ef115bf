using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Streams;
using Penstock.Testing;
using Tokens = Penstock.AspNetCore.Tests.Pairs.Tokens;

namespace Penstock.AspNetCore.Tests.Tools;

/// <summary>Calls that a client of Responses is asked to allow, as OpenAI has it: the response ends with what it asks, and the next request answers.</summary>
public sealed class ResponsesApprovalTests : IAsyncLifetime
{
    private const string Model = "simulated/chat?tps=0&ttft=0";

    private readonly string _folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
    private readonly TestTools _tools = new();
    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start();
    private PenstockHost _host = null!;

    private Api Api => _host.Api;

    public async ValueTask InitializeAsync() => _host = await StartAsync("data", _tools);

    public async ValueTask DisposeAsync()
    {
        _tools.Open();
        await _host.DisposeAsync();
        await _upstream.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_approved_call_is_made_in_the_next_response()
    {
        var asked = await CreateAsync("Use send_mail to Paris.");
        ((string)asked["status"]!).ShouldBe("completed");
        var request = asked["output"]!.AsArray().ShouldHaveSingleItem()!;
        ((string)request["type"]!).ShouldBe("mcp_approval_request");
        ((string)request["server_label"]!, (string)request["name"]!).ShouldBe(("city", "send_mail"));
        ((string)JsonNode.Parse((string)request["arguments"]!)!["city"]!).ShouldBe("Paris");
        _tools.Runs.ShouldBeEmpty();

        var done = await CreateAsync(Said(asked, true), asked);
        Types(done).ShouldBe(["mcp_call", "message"]);
        var call = done["output"]![0]!;
        ((string)call["status"]!, (string)call["output"]!, (string)call["approval_request_id"]!).ShouldBe(("completed", "sent to Paris", (string)request["id"]!));
        done["output"]![1]!.ToJsonString().ShouldContain("sent to Paris");
        _tools.Runs.ToArray().ShouldBe(["send_mail Paris"]);

        // What was decided is not carried out again where the conversation goes on.
        var next = await CreateAsync("And now?", done);
        Types(next).ShouldBe(["message"]);
        _tools.Runs.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_stream_ends_with_what_it_asks_and_the_next_begins_with_the_call()
    {
        var asked = await SseClient.AllAsync(Request("Use send_mail to Paris.", null, stream: true));
        asked[^1].Name.ShouldBe("response.completed");
        asked.Single(e => e.Name == "response.output_item.done").Json()["item"]!["type"].Str().ShouldBe("mcp_approval_request");
        var response = asked[^1].Json()["response"]!;
        var events = await SseClient.AllAsync(Request(Said(response, true), response, stream: true));
        events.Select(e => (long)e.Json()["sequence_number"]!).ShouldBe(Enumerable.Range(0, events.Count).Select(i => (long)i));
        var answer = new ResponsesReading(strict: true).Read(events);
        answer.ServerCalls.Select(c => c.ToString()).ShouldBe(["""city.send_mail({"city":"Paris"}) = sent to Paris"""]);
        events.Select(e => e.Name).Distinct().Take(6).ShouldBe(
            ["response.created", "response.in_progress", "response.output_item.added", "response.mcp_call.in_progress", "response.mcp_call_arguments.delta", "response.mcp_call_arguments.done"]);
        events[^1].Name.ShouldBe("response.completed");
    }

    [Fact]
    public async Task A_denied_call_is_not_made_and_the_model_is_told()
    {
        var asked = await CreateAsync("Use send_mail to Paris.");
        var done = await CreateAsync(Said(asked, false), asked);
        ((string)done["output"]![0]!["status"]!, (string)done["output"]![0]!["error"]!).ShouldBe(("failed", "The tool was not run: a person did not allow it."));
        ((string)done["output"]![1]!["type"]!).ShouldBe("message");
        _tools.Runs.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_said_beside_the_word_is_in_the_log_and_told_to_the_model_where_it_is_no(bool approve)
    {
        const string Reason = "Paris is \"closed\".";
        var asked = await CreateAsync("Use send_mail to Paris.");
        var word = Said(asked, approve);
        word[0]!["reason"] = Reason;
        var done = await CreateAsync(word, asked);
        ((string?)done["output"]![0]!["error"]).ShouldBe(approve ? null : $"The tool was not run: a person did not allow it, and said: {Reason}");
        var id = $"gen_{done["id"].Str()[5..]}";
        var events = await SseClient.AllAsync(Api.Events(id));
        ((string)events.Single(e => e.Type() == "approval").Json()["reason"]!).ShouldBe(Reason);
        ((string)(await Api.SnapshotAsync(id))["blocks"]![0]!["approvalReason"]!).ShouldBe(Reason);
    }

    [Fact]
    public async Task An_approved_call_is_not_made_again_once_its_response_was_deleted()
    {
        var asked = await CreateAsync("Use send_mail to Paris.");
        var done = await CreateAsync(Said(asked, true), asked);
        (await Api.SendAsync(Api.Get($"v1/responses/{done["id"].Str()}") with { Method = "DELETE" })).Status.ShouldBe(HttpStatusCode.OK);
        foreach (var approve in (bool[])[true, false])
        {
            var (status, body) = await Api.SendAsync(Request(Said(asked, approve), asked));
            (status, (string)body!["error"]!["code"]!).ShouldBe((HttpStatusCode.Conflict, "already_decided"));
        }

        _tools.Runs.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_word_whose_noting_the_store_took_and_did_not_say_so_is_taken_when_it_comes_again()
    {
        await using var store = new InterposedStore();
        await using var host = await PenstockHost.StartAsync(
            _upstream, services => _tools.AddTo(services.AddSingleton<IStreamLog>(store)), ("Providers:simulated:Protocol", "simulated"), ("Generations:OnCrash", "continue"));
        var asked = (await Api.SendAsync(Request("Use send_mail to Paris.", null, api: host.Api))).Body!;
        store.AfterCreateShared = path => path.StartsWith("keys/", StringComparison.Ordinal) ? throw new StreamUnreachableException("away") : Task.CompletedTask;
        (await Api.SendAsync(Request(Said(asked, true), asked, api: host.Api))).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        store.AfterCreateShared = static _ => Task.CompletedTask;
        _tools.Runs.ShouldBeEmpty();

        JsonNode? done = null;
        await Eventually.Is(
            async () => (await Api.SendAsync(Request(Said(asked, true), asked, api: host.Api))) is (HttpStatusCode.OK, var body) && (string)(done = body!)["status"]! == "completed",
            "what is begun in vain is ended, and the word counts");
        Types(done!).ShouldBe(["mcp_call", "message"]);
        _tools.Runs.ToArray().ShouldBe(["send_mail Paris"]);
    }

    [Fact]
    public async Task A_word_to_a_conversation_that_has_a_turn_begins_nothing_that_is_left()
    {
        var id = (string)(await Api.SendAsync(Api.Post("v1/conversations", new JsonObject()))).Body!["id"]!;
        void InIt(JsonObject body) => body["conversation"] = id;
        var asked = (await Api.SendAsync(Request("Use send_mail to Paris.", null, change: InIt))).Body!;
        using var turn = await SseClient.OpenAsync(Request("Tell me more.", null, stream: true, model: "simulated/chat?tps=1&tokens=1000", change: InIt));
        async Task<int> CountAsync() => (await Api.SendAsync(Api.Get("v1/generations"))).Body!["data"]!.AsArray().Count;
        var before = await CountAsync();
        var (status, refused) = await Api.SendAsync(Request(Said(asked, true), null, change: InIt));
        (status, (string)refused!["error"]!["code"]!).ShouldBe((HttpStatusCode.Conflict, "conversation_locked"));
        (await CountAsync()).ShouldBe(before);
    }

    [Fact]
    public async Task The_first_word_counts_and_the_same_again_is_the_same_response()
    {
        var asked = await CreateAsync("Use send_mail to Paris.");
        var both = await Task.WhenAll(CreateAsync(Said(asked, true), asked), CreateAsync(Said(asked, true), asked));
        both[0]["id"].Str().ShouldBe(both[1]["id"].Str());
        var (status, body) = await Api.SendAsync(Request(Said(asked, false), asked));
        status.ShouldBe(HttpStatusCode.Conflict);
        ((string)body!["error"]!["code"]!).ShouldBe("already_decided");
        _tools.Runs.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Who_sends_the_whole_conversation_allows_what_the_model_said_and_nothing_else()
    {
        var asked = await CreateAsync("Use send_mail to Paris.");
        var request = asked["output"]![0]!.DeepClone();
        request["arguments"] = """{"city":"Moscow"}""";
        var done = await CreateAsync(new JsonArray(Message("Use send_mail to Paris."), request, Said(asked, true)[0]!.DeepClone()));
        Types(done).ShouldBe(["mcp_call", "message"]);
        _tools.Runs.ToArray().ShouldBe(["send_mail Paris"]);
    }

    [Fact]
    public async Task A_word_on_what_nobody_asked_is_refused()
    {
        var other = await CreateAsync("Hello");
        var word = new JsonArray(new JsonObject { ["type"] = "mcp_approval_response", ["approval_request_id"] = $"mcpr_{((string)other["id"]!)[5..]}_0", ["approve"] = true });
        var (status, body) = await Api.SendAsync(Request(word, other));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)body!["error"]!["code"]!, (string)body["error"]!["param"]!).ShouldBe(("approval_request_not_found", "input[2].approval_request_id"));

        // One that a client makes up itself is not in any log.
        var made = new JsonObject { ["type"] = "mcp_approval_request", ["id"] = (string)word[0]!["approval_request_id"]!, ["server_label"] = "city", ["name"] = "send_mail", ["arguments"] = "{}" };
        var making = Request(new JsonArray(Message("Hello"), made, word[0]!.DeepClone()), null);
        (status, _) = await Api.SendAsync(making);
        status.ShouldBe(HttpStatusCode.BadRequest);
        // Nor is it with its type spelt otherwise, which says the same.
        (status, _) = await Api.SendAsync(making with { Body = making.Body!.Replace("mcp_approval_request\"", "mcp_approval_req\\u0075est\"", StringComparison.Ordinal) });
        status.ShouldBe(HttpStatusCode.BadRequest);
        _tools.Runs.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_conversation_goes_on_with_the_clients_word_and_takes_no_request_but_a_responses()
    {
        var id = (string)(await Api.SendAsync(Api.Post("v1/conversations", new JsonObject()))).Body!["id"]!;
        void InIt(JsonObject body) => body["conversation"] = id;
        var asked = (await Api.SendAsync(Request("Use send_mail to Paris.", null, change: InIt))).Body!;
        var done = (await Api.SendAsync(Request(Said(asked, true), null, change: InIt))).Body!;
        Types(done).ShouldBe(["mcp_call", "message"]);
        Types((await Api.SendAsync(Request("And now?", null, change: InIt))).Body!).ShouldBe(["message"]);
        _tools.Runs.ToArray().ShouldBe(["send_mail Paris"]);

        var made = asked["output"]![0]!.DeepClone();
        made["arguments"] = """{"city":"Moscow"}""";
        (await Api.SendAsync(Api.Post($"v1/conversations/{id}/items", new JsonObject { ["items"] = new JsonArray(made) }))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_request_that_is_not_offered_the_tools_is_told_to_name_them()
    {
        await using var host = await StartAsync("other", new TestTools { Models = ["tools"] });
        var asked = (await Api.SendAsync(Request("Use send_mail to Paris.", null, api: host.Api))).Body!;
        var (status, body) = await Api.SendAsync(Request(Said(asked, true), asked, api: host.Api, change: b => b.Remove("tools")));
        status.ShouldBe(HttpStatusCode.BadRequest);
        ((string)body!["error"]!["code"]!).ShouldBe("tool_server_missing");
        var done = (await Api.SendAsync(Request(Said(asked, true), asked, api: host.Api))).Body!;
        Types(done).ShouldBe(["mcp_call", "message"]);
    }

    [Theory]
    [InlineData("\"always\"", true)]
    [InlineData("""{"always":{"tool_names":["get_weather"]}}""", true)]
    [InlineData("""{"always":{"tool_names":["get_time"]},"never":{"tool_names":["get_weather"]}}""", false)]
    [InlineData("\"never\"", false)]
    public async Task A_client_may_want_to_be_asked_more_and_not_less(string wish, bool asks)
    {
        void Wish(JsonObject body) => body["tools"]![0]!["require_approval"] = JsonNode.Parse(wish);
        var (_, response) = await Api.SendAsync(Request("Use get_weather in Paris.", null, change: Wish));
        Types(response!).ShouldBe(asks ? ["mcp_approval_request"] : ["mcp_call", "message"]);
        (_, response) = await Api.SendAsync(Request("Use send_mail to Paris.", null, change: Wish));
        Types(response!).ShouldBe(["mcp_approval_request"]); // the configuration has it so
    }

    [Fact]
    public async Task What_needs_nobodys_word_is_made_at_once_and_the_rest_is_asked()
    {
        var asked = await CreateAsync("Use get_weather and send_mail in Rome.");
        Types(asked).ShouldBe(["mcp_call", "mcp_approval_request"]);
        ((string)asked["output"]![0]!["output"]!).ShouldBe("rain in Rome");
        var done = await CreateAsync(Said(asked, true), asked);
        done["output"]!.AsArray()[^1]!.ToJsonString().ShouldContain("sent to Rome");
        _tools.Runs.Order().ShouldBe(["get_weather Rome", "send_mail Rome"]);
        var generation = View.Generation($"gen_{((string)asked["id"]!)[5..]}.0");
        (await Api.SendAsync(Api.Post($"v1/generations/{generation}/approvals/1", new JsonObject { ["approve"] = true }))).Status.ShouldBe(HttpStatusCode.Conflict);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task The_model_sees_the_call_and_its_result_and_nothing_of_the_asking(string provider)
    {
        await using var pairs = new PairHost { Services = _tools.AddTo };
        await pairs.InitializeAsync();
        var wire = ProviderWire.Of(provider);
        var asked = new ConcurrentQueue<JsonNode>();
        var ask = pairs.Prepare(wire, call =>
        {
            asked.Enqueue(call.Request!);
            return wire.Script(asked.Count == 1
                ? new Answer { Calls = [new Call("call_1", "send_mail", """{"city":"Paris"}""")], Stop = "calls", Usage = new Tokens(3, 4) }
                : new Answer { Text = "Sent.", Usage = new Tokens(10, 2) })(call);
        });
        var (_, first) = await Api.SendAsync(Request("Mail Paris.", null, api: pairs.Api, model: ask.Model));
        var (status, second) = await Api.SendAsync(Request(Said(first!, true), first, api: pairs.Api, model: ask.Model));
        status.ShouldBe(HttpStatusCode.OK, second!.ToJsonString());
        Types(second!).ShouldBe(["mcp_call", "message"]);
        ((int)second["usage"]!["input_tokens"]!, (int)second["usage"]!["output_tokens"]!).ShouldBe((10, 2)); // of this response alone
        asked.Count.ShouldBe(2);
        var request = asked.ElementAt(1);
        request.ToJsonString().ShouldNotContain("mcp_approval");
        wire.ReadRequest(request).Turns.Select(t => t.ToString()!.Replace((string)first!["output"]![0]!["id"]!, "ID")).ShouldBe(
            ["user: Mail Paris.", """assistant: call: ID send_mail({"city":"Paris"})""", "result: ID sent to Paris"]);
    }

    public static TheoryData<string> Providers => [.. PairData.Protocols];

    [Fact]
    public async Task A_call_that_was_begun_when_the_server_was_lost_is_not_made_again()
    {
        var (before, after) = (new TestTools(), new TestTools());
        JsonNode asked;
        string id;
        await using (var host = await StartAsync("lost", before))
        {
            void Wish(JsonObject body) => body["tools"]![0]!["require_approval"] = "always";
            asked = (await Api.SendAsync(Request("Use wait_long in Paris.", null, api: host.Api, change: Wish))).Body!;
            using var stream = await SseClient.OpenAsync(Request(Said(asked, true), asked, stream: true, api: host.Api, change: Wish));
            await Eventually.Is(() => before.Inside == 1, "the tool runs");
            id = stream.Generation;
            Directory.CreateDirectory(Path.Combine(_folder, "left"));
            foreach (var file in Directory.EnumerateFiles(Path.Combine(_folder, "lost")).Where(f => Path.GetFileName(f) != "lock")) File.Copy(file, Path.Combine(_folder, "left", Path.GetFileName(file)));
            before.Open();
        }

        await using var next = await StartAsync("left", after);
        var snapshot = await next.Api.EndedAsync(id);
        ((string)snapshot["status"]!).ShouldBe("finished");
        ((string)snapshot["blocks"]![1]!["text"]!).ShouldStartWith("The server stopped while the tool ran.");
        after.Runs.ShouldBeEmpty();
    }

    private Task<PenstockHost> StartAsync(string folder, TestTools tools) => PenstockHost.StartAsync(
        _upstream, tools.AddTo,
        ("Providers:simulated:Protocol", "simulated"), ("Storage:Kind", "disk"), ("Storage:Path", Path.Combine(_folder, folder)), ("Generations:OnCrash", "continue"));

    private async Task<JsonNode> CreateAsync(JsonNode input, JsonNode? previous = null)
    {
        var (status, body) = await Api.SendAsync(Request(input, previous));
        status.ShouldBe(HttpStatusCode.OK, body?.ToJsonString());
        return body!;
    }

    private RawRequest Request(JsonNode input, JsonNode? previous, bool stream = false, Api? api = null, string model = Model, Action<JsonObject>? change = null)
    {
        var body = new JsonObject
        {
            ["model"] = model,
            ["input"] = input.DeepClone(),
            ["stream"] = stream,
            ["tools"] = new JsonArray(new JsonObject { ["type"] = "mcp", ["server_label"] = "city" }),
            ["previous_response_id"] = previous?["id"].Str(),
        };
        change?.Invoke(body);
        return (api ?? Api).Post("v1/responses", body);
    }

    private static JsonArray Said(JsonNode asked, bool approve) =>
        [.. asked["output"]!.AsArray().Where(i => i!["type"].Str() == "mcp_approval_request").Select(i => new JsonObject { ["type"] = "mcp_approval_response", ["approval_request_id"] = i!["id"].Str(), ["approve"] = approve })];

    private static JsonObject Message(string text) => new() { ["type"] = "message", ["role"] = "user", ["content"] = text };

    private static IEnumerable<string> Types(JsonNode response) => response["output"]!.AsArray().Select(i => i!["type"].Str());
}
