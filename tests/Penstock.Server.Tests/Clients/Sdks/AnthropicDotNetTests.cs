using System.Text.Json;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Helpers.Beta;
using Anthropic.Models.Messages;
using Penstock.Testing;
using Penstock.Testing.Wires;
using Beta = Anthropic.Models.Beta.Messages;

namespace Penstock.Server.Tests.Clients.Sdks;

/// <summary>Anthropic's SDK for .NET, unmodified, against a provider of each protocol.</summary>
public sealed class AnthropicDotNetTests(SdkServer server) : IClassFixture<SdkServer>
{
    private static readonly string[] _tools = ["get_weather", "get_time"];

    public static TheoryData<string> Providers => [.. Wire.All.Select(w => w.Protocol)];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task It_streams_text_and_usage(string provider)
    {
        using var client = Client();
        var message = await client.Messages.CreateStreaming(Ask($"{provider}/text")).Aggregate();
        TextOf(message).ShouldBe(string.Concat(SdkServer.Text));
        message.StopReason!.Value().ShouldBe(StopReason.EndTurn);
        message.Usage.OutputTokens.ShouldBe(SdkServer.Text.Count);
        (message.Usage.InputTokens + message.Usage.CacheReadInputTokens).ShouldBe(WireAnswer.InputTokens);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task It_reads_a_whole_answer(string provider)
    {
        using var client = Client();
        var message = await client.Messages.Create(Ask($"{provider}/text"));
        TextOf(message).ShouldBe(string.Concat(SdkServer.Text));
        message.StopReason!.Value().ShouldBe(StopReason.EndTurn);
        message.Usage.OutputTokens.ShouldBe(SdkServer.Text.Count);
        (await client.Messages.Create(Ask($"{provider}/long"))).StopReason!.Value().ShouldBe(StopReason.MaxTokens);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task It_reads_reasoning_and_gives_its_signature_back(string provider)
    {
        using var client = Client();
        var ask = Ask($"{provider}/signed", tools: _tools[..1]);
        var message = await client.Messages.CreateStreaming(ask).Aggregate();
        string.Concat(message.Content.Select(c => c.TryPickThinking(out var thinking) ? thinking.Thinking : "")).ShouldBe(string.Concat(SdkServer.Reasoning));
        TextOf(await client.Messages.Create(Turn(ask, message))).ShouldBe($"get_weather: 21 degrees; signed {SdkServer.Signature}");
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task It_gets_parallel_tool_calls_and_answers_them(string provider)
    {
        using var client = Client();
        var ask = Ask($"{provider}/parallel", tools: _tools);
        Message[] messages = [await client.Messages.CreateStreaming(ask).Aggregate(), await client.Messages.Create(ask)];
        foreach (var message in messages)
        {
            message.StopReason!.Value().ShouldBe(StopReason.ToolUse);
            Calls(message).Select(c => (c.Name, JsonSerializer.Serialize(c.Input))).ShouldBe([("get_weather", JsonSerializer.Serialize(Json(SdkServer.WeatherArguments))), ("get_time", "{}")]);
            TextOf(await client.Messages.CreateStreaming(Turn(ask, message)).Aggregate()).ShouldBe("get_weather: 21 degrees; get_time: noon");
        }
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Its_runner_runs_tools_together_and_in_turn(string provider)
    {
        using var client = Client();
        foreach (var script in (string[])["parallel", "steps"])
        {
            var called = new List<string>();
            var runner = client.Beta.Messages.ToolRunner(
                new Beta.MessageCreateParams { Model = $"{provider}/{script}", MaxTokens = 1000, Messages = [new Beta.BetaUserMessageParam("Say something.")] },
                [.. _tools.Select(name => new BetaRunnableTool
                {
                    Name = name,
                    Definition = new Beta.BetaTool { Name = name, InputSchema = new Beta.InputSchema() },
                    Run = (_, _) =>
                    {
                        called.Add(name);
                        return Task.FromResult<Beta.BetaToolResultBlockParamContent>(ResultOf(name));
                    },
                })]);
            var message = await runner.RunUntilDoneAsync(TestContext.Current.CancellationToken);
            string.Concat(message.Content.Select(c => c.TryPickText(out var text) ? text.Text : "")).ShouldBe("get_weather: 21 degrees; get_time: noon");
            called.ShouldBe(_tools);
        }
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task It_gets_structured_output(string provider)
    {
        using var client = Client();
        var schema = Json("""{"type":"object","properties":{"city":{"type":"string"},"degrees":{"type":"number"}},"required":["city","degrees"],"additionalProperties":false}""");
        var message = await client.Messages.Create(Ask($"{provider}/json") with { OutputConfig = new OutputConfig { Format = new JsonOutputFormat { Schema = schema } } });
        TextOf(message).ShouldBe(SdkServer.Json);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task An_abort_reaches_the_provider(string provider)
    {
        using var client = Client();
        using var abort = new CancellationTokenSource();
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            var events = 0;
            await foreach (var _ in client.Messages.CreateStreaming(Ask($"{provider}/endless"), abort.Token))
            {
                if (++events == 5) await abort.CancelAsync();
            }
        });
        await server.CancelledAsync(provider, "endless");
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Errors_before_the_answer_have_their_class(string provider)
    {
        using var client = Client();
        var busy = await Should.ThrowAsync<AnthropicRateLimitException>(() => client.Messages.Create(Ask($"{provider}/busy")));
        busy.Type!.Raw().ShouldBe("rate_limit_error");
        busy.RequestID.ShouldNotBeNullOrEmpty();
        await Should.ThrowAsync<AnthropicRateLimitException>(() => client.Messages.CreateStreaming(Ask($"{provider}/busy")).Aggregate());
        var refused = await Should.ThrowAsync<Anthropic5xxException>(() => client.Messages.Create(Ask($"{provider}/refused")));
        ((int)refused.StatusCode).ShouldBe(502);
        await Should.ThrowAsync<AnthropicNotFoundException>(() => client.Messages.Create(Ask("nobody/m")));
        await Should.ThrowAsync<AnthropicBadRequestException>(() => client.Messages.Create(Ask($"{provider}/text") with { Messages = [] }));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task An_error_within_the_answer_throws(string provider)
    {
        using var client = Client();
        foreach (var script in (string[])["cut", "broken"])
        {
            var text = "";
            var error = await Should.ThrowAsync<AnthropicSseException>(async () =>
            {
                await foreach (var update in client.Messages.CreateStreaming(Ask($"{provider}/{script}")))
                {
                    if (update.TryPickContentBlockDelta(out var delta) && delta.Delta.TryPickText(out var piece)) text += piece.Text;
                }
            });
            text.ShouldBe(string.Concat(SdkServer.Text));
            error.ApiMessage.ShouldNotBeNullOrEmpty();
        }
    }

    [Fact]
    public async Task It_counts_tokens_and_lists_models()
    {
        using var client = Client();
        var count = await client.Messages.CountTokens(new MessageCountTokensParams { Model = "messages/text", Messages = [new UserMessageParam("Say something.")] });
        count.InputTokens.ShouldBe(42);
        (await client.Models.List()).Items.Select(m => m.ID).ShouldContain("messages/text");
    }

    private static MessageCreateParams Ask(string model, params string[] tools) => new()
    {
        Model = model,
        MaxTokens = 1000,
        Messages = [new UserMessageParam("Say something.")],
        Tools = tools.Length == 0 ? null : [.. tools.Select(name => (ToolUnion)new Tool { Name = name, InputSchema = new InputSchema() })],
    };

    /// <summary>What goes back to the model after its calls: all that it said, and what the tools gave.</summary>
    private static MessageCreateParams Turn(MessageCreateParams ask, Message message)
    {
        List<ContentBlockParam> said = [.. message.Content.Select(c => new ContentBlockParam(c.Json))];
        List<ContentBlockParam> given = [.. Calls(message).Select(c => new ToolResultBlockParam(c.ID) { Content = ResultOf(c.Name) })];
        return ask with { Messages = [.. ask.Messages, new AssistantMessageParam(said), new UserMessageParam(given)] };
    }

    private static List<ToolUseBlock> Calls(Message message) => [.. message.Content.Select(c => c.TryPickToolUse(out var call) ? call : null).OfType<ToolUseBlock>()];

    private static string ResultOf(string tool) => tool == "get_weather" ? "21 degrees" : "noon";

    private static string TextOf(Message message) => string.Concat(message.Content.Select(c => c.TryPickText(out var text) ? text.Text : ""));

    private static Dictionary<string, JsonElement> Json(string json) => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json)!;

    private AnthropicClient Client() => new() { ApiKey = "sk-ant-client", BaseUrl = server.Server.Url.ToString().TrimEnd('/'), MaxRetries = 0 };
}
