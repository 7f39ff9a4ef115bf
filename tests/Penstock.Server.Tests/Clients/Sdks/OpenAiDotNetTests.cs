#pragma warning disable OPENAI001 // Responses are for evaluation, the package says
using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;
using Penstock.Testing.Wires;

namespace Penstock.Server.Tests.Clients.Sdks;

/// <summary>OpenAI's SDK for .NET, unmodified, against a provider of each protocol: Responses, and the tools of Chat Completions.</summary>
public sealed class OpenAiDotNetTests(SdkServer server) : IClassFixture<SdkServer>
{
    private const string Results = "get_weather: 21 degrees; get_time: noon";
    private static readonly BinaryData _schema = BinaryData.FromString("""{"type":"object","properties":{}}""");
    private static readonly string[] _tools = ["get_weather", "get_time"];

    public static TheoryData<string> Providers => [.. Wire.All.Select(w => w.Protocol)];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Chat_gets_parallel_tool_calls_and_answers_them(string provider)
    {
        var client = new ChatClient($"{provider}/parallel", new ApiKeyCredential("sk-client"), new OpenAIClientOptions { Endpoint = server.Server.Api.Url("v1") });
        var options = new ChatCompletionOptions();
        foreach (var name in _tools) options.Tools.Add(ChatTool.CreateFunctionTool(name, null, _schema));
        ChatMessage user = new UserChatMessage("Say something.");
        var reply = (await client.CompleteChatAsync([user], options)).Value;
        reply.FinishReason.ShouldBe(ChatFinishReason.ToolCalls);
        reply.ToolCalls.Select(c => c.FunctionName).ShouldBe(_tools);
        List<ChatMessage> turn = [user, new AssistantChatMessage(reply), .. reply.ToolCalls.Select(c => new ToolChatMessage(c.Id, ResultOf(c.FunctionName)))];
        (await client.CompleteChatAsync(turn, options)).Value.Content[0].Text.ShouldBe(Results);
        var text = "";
        await foreach (var update in client.CompleteChatStreamingAsync(turn, options)) text += string.Concat(update.ContentUpdate.Select(c => c.Text));
        text.ShouldBe(Results);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Responses_streams_text_and_usage(string provider)
    {
        var updates = await AllAsync(Ask($"{provider}/text"));
        string.Concat(updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Select(u => u.Delta)).ShouldBe(string.Concat(SdkServer.Text));
        updates.Select(u => u.SequenceNumber).ShouldBe(Enumerable.Range(0, updates.Count));
        var response = updates[^1].ShouldBeOfType<StreamingResponseCompletedUpdate>().Response;
        response.GetOutputText().ShouldBe(string.Concat(SdkServer.Text));
        response.Usage.InputTokenCount.ShouldBe(WireAnswer.InputTokens);
        response.Usage.OutputTokenCount.ShouldBe(SdkServer.Text.Count);
        var whole = (await Client().CreateResponseAsync(Ask($"{provider}/text"))).Value;
        whole.GetOutputText().ShouldBe(string.Concat(SdkServer.Text));
        whole.Status.ShouldBe(ResponseStatus.Completed);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Responses_reads_reasoning(string provider)
    {
        var updates = await AllAsync(Ask($"{provider}/reasoning"));
        var response = updates[^1].ShouldBeOfType<StreamingResponseCompletedUpdate>().Response;
        response.OutputItems.OfType<ReasoningResponseItem>().Single().GetSummaryText().ShouldBe(string.Concat(SdkServer.Reasoning));
        response.GetOutputText().ShouldBe(string.Concat(SdkServer.Text));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Responses_gets_parallel_tool_calls_and_answers_them(string provider)
    {
        var updates = await AllAsync(WithTools(Ask($"{provider}/parallel")));
        var response = updates[^1].ShouldBeOfType<StreamingResponseCompletedUpdate>().Response;
        var calls = response.OutputItems.OfType<FunctionCallResponseItem>().ToList();
        calls.Select(c => c.FunctionName).ShouldBe(_tools);
        calls[0].FunctionArguments.ToObjectFromJson<Dictionary<string, string>>()!["city"].ShouldBe("Oslo");
        var results = calls.Select(c => ResponseItem.CreateFunctionCallOutputItem(c.CallId, ResultOf(c.FunctionName))).ToList();

        var after = WithTools(new CreateResponseOptions { Model = $"{provider}/parallel", PreviousResponseId = response.Id });
        foreach (var result in results) after.InputItems.Add(result);
        (await Client().CreateResponseAsync(after)).Value.GetOutputText().ShouldBe(Results);

        var turn = WithTools(Ask($"{provider}/parallel"));
        foreach (var item in response.OutputItems.Concat(results)) turn.InputItems.Add(item);
        (await AllAsync(turn))[^1].ShouldBeOfType<StreamingResponseCompletedUpdate>().Response.GetOutputText().ShouldBe(Results);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task An_abort_reaches_the_provider(string provider)
    {
        using var abort = new CancellationTokenSource();
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            var count = 0;
            var ask = Ask($"{provider}/endless");
            ask.StreamingEnabled = true;
            await foreach (var _ in await Client().CreateResponseStreamingAsync(ask, abort.Token))
            {
                if (++count == 10) await abort.CancelAsync();
            }
        });
        await server.CancelledAsync(provider, "endless");
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Errors_come_through(string provider)
    {
        (await Should.ThrowAsync<ClientResultException>(() => Client().CreateResponseAsync(Ask($"{provider}/busy")))).Status.ShouldBe(429);
        (await Should.ThrowAsync<ClientResultException>(() => AllAsync(Ask($"{provider}/refused")))).Status.ShouldBe(502);
        (await Should.ThrowAsync<ClientResultException>(() => AllAsync(Ask("nobody/m")))).Status.ShouldBe(404);
        foreach (var script in (string[])["cut", "broken"])
        {
            var updates = await AllAsync(Ask($"{provider}/{script}"));
            string.Concat(updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Select(u => u.Delta)).ShouldBe(string.Concat(SdkServer.Text));
            updates.OfType<StreamingResponseErrorUpdate>().Single().Message.ShouldNotBeNullOrEmpty();
            updates[^1].ShouldBeOfType<StreamingResponseFailedUpdate>().Response.Status.ShouldBe(ResponseStatus.Failed);
        }
    }

    private static string ResultOf(string tool) => tool == "get_weather" ? "21 degrees" : "noon";

    private static CreateResponseOptions Ask(string model) => new(model, [ResponseItem.CreateUserMessageItem("Say something.")]);

    private static CreateResponseOptions WithTools(CreateResponseOptions ask)
    {
        foreach (var name in _tools) ask.Tools.Add(ResponseTool.CreateFunctionTool(name, _schema, strictModeEnabled: false));
        return ask;
    }

    private async Task<List<StreamingResponseUpdate>> AllAsync(CreateResponseOptions ask)
    {
        ask.StreamingEnabled = true;
        List<StreamingResponseUpdate> updates = [];
        await foreach (var update in await Client().CreateResponseStreamingAsync(ask)) updates.Add(update);
        return updates;
    }

    private ResponsesClient Client() => new(new ApiKeyCredential("sk-client"), new ResponsesClientOptions
    {
        Endpoint = server.Server.Api.Url("v1"),
        RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
    });
}
