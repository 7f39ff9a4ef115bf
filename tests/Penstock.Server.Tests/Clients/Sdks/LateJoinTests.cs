#pragma warning disable OPENAI001 // Responses are for evaluation, the package says
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using System.Text.Json.Nodes;
using Anthropic;
using Anthropic.Helpers;
using Anthropic.Models.Messages;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;
using Penstock.Testing;
using Penstock.Testing.Wires;

namespace Penstock.Server.Tests.Clients.Sdks;

/// <summary>The official SDKs fold a snapshot and what follows it into the right final object, whichever provider answers.</summary>
public sealed class LateJoinTests(SdkServer server) : IClassFixture<SdkServer>
{
    private static readonly string _arguments = Spelled(SdkServer.WeatherArguments);

    public static TheoryData<string> Providers => [.. Wire.All.Select(w => w.Protocol)];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task They_join_in_the_middle_and_have_it_all(string provider)
    {
        var id = await server.Server.Api.StartAsync($"{provider}/paced");
        // Somewhere in the reasoning, in the text, in the call.
        foreach (var kind in (string[])["reasoning", "text", "tool_call"])
        {
            await Eventually.Is(async () => (await server.Server.Api.SnapshotAsync(id))["blocks"]!.AsArray().Any(b => (string?)b!["kind"] == kind), $"{kind} has begun");
            var message = AnthropicAsync(id);
            var chat = ChatAsync(id);
            var response = ResponsesAsync(id);
            var signature = provider == "gemini" ? "" : SdkServer.Signature; // Gemini signs the call
            (await message).ShouldBe((string.Concat(SdkServer.Reasoning), signature, "I look.", _arguments), kind);
            (await chat).ShouldBe(("I look.", _arguments), kind);
            (await response).ShouldBe(("I look.", _arguments), kind);
            if (kind != "tool_call") id = await server.Server.Api.StartAsync($"{provider}/paced");
        }
    }

    private async Task<(string Thinking, string Signature, string Text, string Arguments)> AnthropicAsync(string id)
    {
        using var http = Http(id, "messages");
        using var client = new AnthropicClient { ApiKey = "sk-ant-client", BaseUrl = server.Server.Url.ToString().TrimEnd('/'), MaxRetries = 0, HttpClient = http };
        var message = await client.Messages.CreateStreaming(new MessageCreateParams { Model = "any", MaxTokens = 1, Messages = [new UserMessageParam("Any.")] }).Aggregate();
        message.StopReason!.Value().ShouldBe(StopReason.ToolUse);
        message.Usage.OutputTokens.ShouldBeGreaterThan(0);
        string thinking = "", signature = "", text = "", arguments = "";
        foreach (var block in message.Content)
        {
            if (block.TryPickThinking(out var thought)) (thinking, signature) = (thought.Thinking, thought.Signature);
            if (block.TryPickText(out var said)) text += said.Text;
            if (block.TryPickToolUse(out var call)) arguments = Spelled(JsonSerializer.Serialize(call.Input));
        }

        return (thinking, signature, text, arguments);
    }

    private async Task<(string Text, string Arguments)> ChatAsync(string id)
    {
        using var http = Http(id, "chat-completions");
        var client = new ChatClient("any", new ApiKeyCredential("sk-client"), new OpenAIClientOptions { Endpoint = server.Server.Api.Url("v1"), Transport = new HttpClientPipelineTransport(http) });
        string text = "", arguments = "";
        ChatFinishReason? reason = null;
        await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("Any.")]))
        {
            text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            arguments += string.Concat(update.ToolCallUpdates.Select(c => c.FunctionArgumentsUpdate?.ToString()));
            reason = update.FinishReason ?? reason;
        }

        reason.ShouldBe(ChatFinishReason.ToolCalls);
        return (text, Spelled(arguments));
    }

    private async Task<(string Text, string Arguments)> ResponsesAsync(string id)
    {
        using var http = Http(id, "responses");
        var client = new ResponsesClient(new ApiKeyCredential("sk-client"), new ResponsesClientOptions { Endpoint = server.Server.Api.Url("v1"), Transport = new HttpClientPipelineTransport(http) });
        string text = "", arguments = "";
        ResponseResult? response = null;
        await foreach (var update in await client.CreateResponseStreamingAsync(new CreateResponseOptions("any", [ResponseItem.CreateUserMessageItem("Any.")]) { StreamingEnabled = true }))
        {
            if (update is StreamingResponseOutputTextDeltaUpdate delta) text += delta.Delta;
            if (update is StreamingResponseFunctionCallArgumentsDeltaUpdate piece) arguments += piece.Delta.ToString();
            if (update is StreamingResponseCompletedUpdate completed) response = completed.Response;
        }

        response.ShouldNotBeNull().GetOutputText().ShouldBe(text);
        response.OutputItems.OfType<FunctionCallResponseItem>().Single().FunctionArguments.ToString().ShouldBe(arguments);
        return (text, Spelled(arguments));
    }

    private static string Spelled(string json) => JsonNode.Parse(json)!.ToJsonString();

    // Whatever the SDK posts, it reads the generation.
    private HttpClient Http(string id, string protocol) =>
        new(new Reads(server.Server.Api.Url($"v1/generations/{id}/events?snapshot=true&protocol={protocol}")) { InnerHandler = new SocketsHttpHandler() });

    private sealed class Reads(Uri address) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            (request.Method, request.RequestUri, request.Content) = (HttpMethod.Get, address, null);
            return base.SendAsync(request, cancellationToken);
        }

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            (request.Method, request.RequestUri, request.Content) = (HttpMethod.Get, address, null);
            return base.Send(request, cancellationToken);
        }
    }
}
