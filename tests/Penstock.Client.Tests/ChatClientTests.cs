using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Penstock.Testing;
using Penstock.Testing.Wires;
using TestChat = Penstock.Testing.Chat;

namespace Penstock.Client.Tests;

/// <summary>Penstock as an <see cref="IChatClient"/>, before a provider that answers by the model's name.</summary>
public sealed class ChatClientTests(ChatClientTests.Fixture fixture) : IClassFixture<ChatClientTests.Fixture>
{
    private const string Arguments = """{"city":"Oslo","unit":"°C"}""";

    private static readonly AIFunction _weather = AIFunctionFactory.Create((string city) => $"Rain in {city}.", "get_weather", "The weather of a city");

    [Fact]
    public async Task It_streams_text_usage_and_the_end()
    {
        var updates = await ListAsync(Stream("m", "say-50"));
        string.Concat(updates.Select(u => u.Text)).ShouldBe(string.Concat(Tokens.Of("say", 50)));
        updates[^1].FinishReason.ShouldBe(ChatFinishReason.Stop);
        updates.ShouldAllBe(u => u.ContinuationToken == null && u.ResponseId == updates[0].ResponseId && u.Role == ChatRole.Assistant);

        var response = updates.ToChatResponse();
        response.Messages.Count.ShouldBe(1);
        response.ModelId.ShouldBe("up/m");
        response.ResponseId.ShouldStartWith("gen_");
        response.Usage!.InputTokenCount.ShouldBe(7);
        response.Usage.OutputTokenCount.ShouldBe(50);
        response.CreatedAt!.Value.ShouldBeInRange(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(1));
    }

    [Fact]
    public async Task It_gives_a_whole_answer()
    {
        var response = await fixture.Chat.GetResponseAsync("say-9", new ChatOptions { ModelId = "up/m" });
        response.Text.ShouldBe(string.Concat(Tokens.Of("say", 9)));
        response.FinishReason.ShouldBe(ChatFinishReason.Stop);
        response.Usage!.OutputTokenCount.ShouldBe(9);
        response.ContinuationToken.ShouldBeNull();
    }

    [Fact]
    public async Task Calls_of_tools_come_whole_and_their_results_go_back()
    {
        List<ChatMessage> messages = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Weather?")];
        var options = new ChatOptions { ModelId = "up/tools", Tools = [_weather], ToolMode = ChatToolMode.RequireSpecific("get_weather"), AllowMultipleToolCalls = true };
        var response = await fixture.Chat.GetResponseAsync(messages, options);
        response.FinishReason.ShouldBe(ChatFinishReason.ToolCalls);
        var calls = response.Messages[0].Contents.OfType<FunctionCallContent>().ToList();
        calls.Select(c => c.Name).ShouldBe(["get_weather", "get_time"]);
        calls[0].CallId.ShouldBe("call_a");
        calls[0].Arguments!["city"]!.ToString().ShouldBe("Oslo");
        calls[1].Arguments.ShouldBeEmpty();

        messages.AddRange(response.Messages);
        var result = await _weather.InvokeAsync(new AIFunctionArguments(calls[0].Arguments));
        messages.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent(calls[0].CallId, result), new FunctionResultContent(calls[1].CallId, new { hour = 7 })]));
        await fixture.Chat.GetResponseAsync(messages, options);

        var sent = fixture.Upstream.Calls.Last(c => c.Model == "tools").Request!;
        sent["tool_choice"]!["function"]!["name"]!.GetValue<string>().ShouldBe("get_weather");
        sent["parallel_tool_calls"]!.GetValue<bool>().ShouldBeTrue();
        sent["tools"]![0]!["function"]!["parameters"]!["properties"]!["city"]!["type"]!.GetValue<string>().ShouldBe("string");
        var history = sent["messages"]!.AsArray();
        history.Select(m => (string)m!["role"]!).ShouldBe(["system", "user", "assistant", "tool", "tool"]);
        JsonNode.Parse((string)history[2]!["tool_calls"]![0]!["function"]!["arguments"]!)!.ToJsonString().ShouldBe(JsonNode.Parse(Arguments)!.ToJsonString());
        history[3]!["content"]!.GetValue<string>().ShouldBe("Rain in Oslo.");
        history[4]!["content"]!.GetValue<string>().ShouldBe("""{"hour":7}""");
    }

    [Fact]
    public async Task Reasoning_comes_as_such_and_its_seal_goes_back()
    {
        var options = new ChatOptions { ModelId = "claude/thinker", MaxOutputTokens = 500, Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } };
        var response = await fixture.Chat.GetResponseAsync("Think.", options);
        var thought = response.Messages[0].Contents.OfType<TextReasoningContent>().Single();
        thought.Text.ShouldBe("First this, then that.");
        thought.ProtectedData.ShouldBe("seal==");
        response.Text.ShouldBe("Done.");
        response.Usage!.CachedInputTokenCount.ShouldBe(WireAnswer.CachedTokens);

        await fixture.Chat.GetResponseAsync([new(ChatRole.User, "Think."), .. response.Messages, new(ChatRole.User, "And?")], options);
        new MessagesWire().Signatures(fixture.Thinker.Calls.Last().Request!).ShouldBe(["seal=="]);

        options.Reasoning.Output = ReasoningOutput.None;
        (await fixture.Chat.GetResponseAsync("Think.", options)).Messages[0].Contents.OfType<TextReasoningContent>().ShouldBeEmpty();
    }

    [Fact]
    public async Task Options_images_and_the_answers_format_reach_the_provider()
    {
        var schema = JsonDocument.Parse("""{"type":"object","properties":{"n":{"type":"integer"}}}""").RootElement;
        var options = new ChatOptions
        {
            ModelId = "up/m",
            Instructions = "Speak plainly.",
            Temperature = 0.2f,
            TopP = 0.9f,
            MaxOutputTokens = 30,
            Seed = 11,
            StopSequences = ["END"],
            FrequencyPenalty = 0.5f,
            PresencePenalty = -0.5f,
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Low },
            ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, "number", "A number"),
            AdditionalProperties = new() { ["logit_bias"] = new Dictionary<string, int>(StringComparer.Ordinal) { ["5"] = 1 } },
        };
        var message = new ChatMessage(ChatRole.User,
        [
            new TextContent("see-3"),
            new DataContent(new byte[] { 1, 2, 3 }, "image/png"),
            new UriContent("https://example.com/a.jpg", "image/jpeg"),
            new DataContent(new byte[] { 4 }, "audio/mpeg"),
            new DataContent(new byte[] { 5 }, "application/pdf") { Name = "a.pdf" },
        ]);
        await fixture.Chat.GetResponseAsync(message, options);
        var sent = fixture.Upstream.Calls.Last(c => c.Model == "m" && c.Request!["seed"] is not null).Request!.AsObject();
        sent["temperature"]!.ToJsonString().ShouldBe("0.2");
        sent["top_p"]!.ToJsonString().ShouldBe("0.9");
        sent["max_completion_tokens"]!.GetValue<int>().ShouldBe(30);
        sent["stop"]!.ToJsonString().ShouldBe("""["END"]""");
        sent["frequency_penalty"]!.ToJsonString().ShouldBe("0.5");
        sent["presence_penalty"]!.ToJsonString().ShouldBe("-0.5");
        sent["reasoning_effort"]!.GetValue<string>().ShouldBe("low");
        sent["logit_bias"]!.ToJsonString().ShouldBe("""{"5":1}""");
        sent["response_format"]!.ToJsonString().ShouldBe("""{"type":"json_schema","json_schema":{"name":"number","schema":{"type":"object","properties":{"n":{"type":"integer"}}},"description":"A number"}}""");
        sent["messages"]![0]!["content"]!.GetValue<string>().ShouldBe("Speak plainly.");
        var parts = sent["messages"]![1]!["content"]!.AsArray();
        parts[1]!["image_url"]!["url"]!.GetValue<string>().ShouldBe("data:image/png;base64,AQID");
        parts[2]!["image_url"]!["url"]!.GetValue<string>().ShouldBe("https://example.com/a.jpg");
        parts[3]!["input_audio"]!.ToJsonString().ShouldBe("""{"data":"BA==","format":"mp3"}""");
        parts[4]!["file"]!["filename"]!.GetValue<string>().ShouldBe("a.pdf");
        sent.ContainsKey("onDisconnect").ShouldBeFalse();
    }

    [Theory]
    [InlineData("up/m", "go-30")]
    [InlineData("up/tools", "Weather?")]
    [InlineData("claude/thinker", "Think.")]
    public async Task After_any_token_comes_exactly_what_was_not_seen(string model, string prompt)
    {
        var options = new ChatOptions { ModelId = model, MaxOutputTokens = 500, AllowBackgroundResponses = true, Tools = [_weather] };
        var updates = await ListAsync(fixture.Chat.GetStreamingResponseAsync(prompt, options));
        updates[..^1].ShouldAllBe(u => u.ContinuationToken != null);
        updates[^1].ContinuationToken.ShouldBeNull();
        var whole = updates.Select(Line).ToList();
        for (var seen = 1; seen < updates.Count; seen++)
        {
            // It may have been stored meanwhile, and it works in another client.
            var stored = JsonSerializer.Serialize(updates[seen - 1].ContinuationToken, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(ResponseContinuationToken)));
            var token = (ResponseContinuationToken)JsonSerializer.Deserialize(stored, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(ResponseContinuationToken)))!;
            using var client = fixture.Server.Direct();
            var rest = await ListAsync(client.AsChatClient().GetStreamingResponseAsync([], new ChatOptions { ContinuationToken = token }));
            rest.Select(Line).ShouldBe(whole[seen..]);
        }

        static string Line(ChatResponseUpdate update) =>
            $"{((PenstockEvent)update.RawRepresentation!).Id} {update.FinishReason} {update.ContinuationToken is null} {string.Join(' ', update.Contents.Select(c => JsonSerializer.Serialize(c, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(AIContent)))))}";
    }

    [Fact]
    public async Task An_answer_in_the_background_is_asked_for_until_it_is_there()
    {
        var options = new ChatOptions { ModelId = "up/slow", AllowBackgroundResponses = true };
        var response = await fixture.Chat.GetResponseAsync("Go on", options);
        response.Messages.ShouldBeEmpty();
        response.ContinuationToken.ShouldNotBeNull();
        await Eventually.Is(
            async () =>
            {
                options.ContinuationToken = response.ContinuationToken;
                response = await fixture.Chat.GetResponseAsync([], options);
                return response.ContinuationToken is null;
            },
            "the answer is there");
        response.Text.ShouldBe(string.Concat(Tokens.Of("slow", 20)));
        response.Usage!.OutputTokenCount.ShouldBe(20);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task To_leave_is_to_stop_unless_it_is_in_the_background(bool background)
    {
        var options = new ChatOptions { ModelId = "up/endless", AllowBackgroundResponses = background };
        string? id = null;
        await foreach (var update in fixture.Chat.GetStreamingResponseAsync("Go on", options))
        {
            id = update.ResponseId;
            if (update.Text.Length > 0) break;
        }

        var native = fixture.Chat.GetService<PenstockClient>()!;
        (await native.GetAsync(id!)).Status.ShouldBe(background ? "running" : "stopped");
        if (!background) return;
        (await native.StopAsync(id!)).StopReason.ShouldBe("requested");
        var last = (await ListAsync(fixture.Chat.GetStreamingResponseAsync([], new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes(Encoding.UTF8.GetBytes(id!)) })))[^1];
        last.FinishReason.ShouldBe(new ChatFinishReason("stopped"));
    }

    [Fact]
    public async Task A_call_that_is_cancelled_stops_the_answer()
    {
        using var abort = new CancellationTokenSource();
        var call = fixture.Chat.GetResponseAsync("Cancel me", new ChatOptions { ModelId = "up/endless" }, abort.Token);
        UpstreamCall? upstream = null;
        await Eventually.Is(() => (upstream = fixture.Upstream.Calls.FirstOrDefault(c => c.Model == "endless" && c.Prompt == "Cancel me")) is not null, "the provider is asked");
        await abort.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(call);
        await Eventually.Completes(upstream!.Closed, "the provider's call is given up");
    }

    [Theory]
    [InlineData("up/busy", "rate_limited", 429, true)]
    [InlineData("up/refused", "provider_unauthorized", 502, false)]
    [InlineData("nobody/m", "model_not_found", 404, false)]
    public async Task Errors_say_whether_a_retry_can_help(string model, string code, int status, bool isRetryable)
    {
        var error = await Should.ThrowAsync<PenstockException>(ListAsync(fixture.Chat.GetStreamingResponseAsync("Hi", new ChatOptions { ModelId = model })));
        (error.Code, error.Status, error.IsRetryable).ShouldBe((code, status, isRetryable));
        error.RetryAfter.ShouldBe(model == "up/busy" ? TimeSpan.FromSeconds(3) : null);
    }

    [Fact]
    public async Task A_failure_in_mid_answer_is_thrown_behind_what_was_said()
    {
        var text = "";
        var error = await Should.ThrowAsync<PenstockException>(async () =>
        {
            await foreach (var update in fixture.Chat.GetStreamingResponseAsync("Hi", new ChatOptions { ModelId = "up/cut" })) text += update.Text;
        });
        text.ShouldBe(string.Concat(Tokens.Of("cut", 60).Take(40)));
        (error.Code, error.IsRetryable).ShouldBe(("provider_disconnected", true));
    }

    [Fact]
    public async Task A_character_that_the_provider_split_is_whole()
    {
        (await fixture.Chat.GetResponseAsync("Hi", new ChatOptions { ModelId = "up/split" })).Text.ShouldBe("a😀b");
        string.Concat((await ListAsync(Stream("split", "Hi"))).Select(u => u.Text)).ShouldBe("a😀b");
    }

    [Fact]
    public async Task What_it_cannot_do_is_said_at_once()
    {
        await Should.ThrowAsync<NotSupportedException>(fixture.Chat.GetResponseAsync("Hi", new ChatOptions { ConversationId = "c" }));
        await Should.ThrowAsync<NotSupportedException>(fixture.Chat.GetResponseAsync("Hi", new ChatOptions { Tools = [new HostedWebSearchTool()] }));
        await Should.ThrowAsync<ArgumentException>(fixture.Chat.GetResponseAsync("Hi", new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes("other"u8.ToArray()) }));
        using var lost = new PenstockClient(new PenstockClientOptions { BaseAddress = new Uri($"http://127.0.0.1:{Ports.Free()}") });
        var error = await Should.ThrowAsync<PenstockException>(lost.GetAsync("gen_1"));
        (error.Code, error.Status, error.IsRetryable).ShouldBe(("network", 0, true));
    }

    [Fact]
    public async Task The_native_client_lists_and_knows_what_it_does_not_find()
    {
        var native = fixture.Chat.GetService<PenstockClient>()!;
        var run = await native.StartAsync("say-3", "up/m");
        (await run.WaitAsync()).Text.ShouldBe(string.Concat(Tokens.Of("say", 3)));
        (await native.ListAsync("finished")).Select(s => s.Id).ShouldContain(run.Id);
        (await native.GetAsync(run.Id)).Usage!.Source.ShouldBe("provider");
        var error = await Should.ThrowAsync<PenstockException>(native.Attach("gen_00000000000000000000000000000000").ReadAsync());
        (error.Code, error.Status).ShouldBe(("generation_not_found", 404));
        fixture.Chat.GetService<ChatClientMetadata>()!.ProviderName.ShouldBe("penstock");
    }

    private IAsyncEnumerable<ChatResponseUpdate> Stream(string model, string prompt) =>
        fixture.Chat.GetStreamingResponseAsync(prompt, new ChatOptions { ModelId = $"up/{model}" });

    private static async Task<List<ChatResponseUpdate>> ListAsync(IAsyncEnumerable<ChatResponseUpdate> stream)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in stream) updates.Add(update);
        return updates;
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public ScriptedUpstream Upstream { get; } = ScriptedUpstream.Start(Tokens.ByPrompt());

        public ScriptedUpstream Thinker { get; } = ScriptedUpstream.Start(call => new MessagesWire().PlayAsync(call, new WireAnswer
        {
            Reasoning = ["First this,", " then that."],
            Signature = "seal==",
            Text = ["Do", "ne."],
        }));

        public PenstockProcess Server { get; private set; } = null!;

        public IChatClient Chat { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Upstream
                .ReplyTo("tools", async call =>
                {
                    await call.Sse([TestChat.Role(), TestChat.ToolCall(0, "call_a", "get_weather"), TestChat.ToolCall(1, "call_b", "get_time", "{}")]);
                    foreach (var piece in Arguments.Chunk(5)) await call.Sse(TestChat.Arguments(0, new string(piece)));
                    await call.Sse([TestChat.Finish("tool_calls"), TestChat.Usage(11, 9), "[DONE]"]);
                })
                .ReplyTo("cut", async call =>
                {
                    await call.Sse(TestChat.Answer(Tokens.Of("cut", 60)).Take(41));
                    call.Close();
                })
                .ReplyTo("split", async call =>
                {
                    await call.Sse(TestChat.Role());
                    await call.Sse(TestChat.Text("a?").Replace("a?", "a\\ud83d", StringComparison.Ordinal));
                    await call.Sse(TestChat.Text("?b").Replace("?b", "\\ude00b", StringComparison.Ordinal));
                    await call.Sse([TestChat.Finish(), "[DONE]"]);
                })
                .ReplyTo("slow", Tokens.Script(Tokens.Of("slow", 20), TimeSpan.FromMilliseconds(50)))
                .ReplyTo("endless", Tokens.Script(Tokens.Of("endless", 100_000), TimeSpan.FromMilliseconds(5)))
                .ReplyTo("busy", call => call.Json(429, TestChat.Error("slow down"), ("Retry-After", "3")))
                .ReplyTo("refused", call => call.Json(401, TestChat.Error("bad key")));
            Server = await PenstockProcess.StartAsync(PenstockSettings.For(Upstream, "disk")
                .With("Providers:claude:Protocol", "messages")
                .With("Providers:claude:BaseUrl", Thinker.BaseUrl)
                .With("Providers:claude:ApiKey", PenstockSettings.ApiKey)
                .With("DefaultModel", "up/m"));
            Chat = Server.Direct().AsChatClient();
        }

        public async ValueTask DisposeAsync()
        {
            Chat.GetService<PenstockClient>()!.Dispose();
            await Server.DisposeAsync();
            await Upstream.DisposeAsync();
            await Thinker.DisposeAsync();
        }
    }
}
