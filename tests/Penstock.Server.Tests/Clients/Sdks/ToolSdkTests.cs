#pragma warning disable OPENAI001 // Responses are for evaluation, the package says
using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Anthropic.Models.Messages;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients.Sdks;

/// <summary>Tools of a real MCP server that the server runs in a loop, as the official SDKs see them.</summary>
public sealed class ToolSdkTests(McpServers servers) : IClassFixture<McpServers>
{
    private const string Prompt = "Use get-sum with 20 and 22.";
    private const string Says = "42";

    [Fact]
    public async Task The_sdks_of_node_see_them_in_their_own_words()
    {
        var (exit, output, error) = await Command.RunAsync("node", ["tools.mjs", servers.Server.Url.ToString(), "simulated", "{}"], Path.Combine(Repository.Root, "tests", "node", "sdks"));
        TestContext.Current.TestOutputHelper!.WriteLine(output);
        exit.ShouldBe(0, $"{output}\n{error}");
    }

    [Fact]
    public async Task OpenAIs_for_dotnet_sees_them()
    {
        var options = new OpenAIClientOptions { Endpoint = servers.Server.Api.Url("v1") };
        var chat = (await new ChatClient("tools", new ApiKeyCredential("sk-client"), options).CompleteChatAsync([new UserChatMessage(Prompt)])).Value;
        chat.FinishReason.ShouldBe(ChatFinishReason.Stop);
        chat.Content[0].Text.ShouldContain(Says);

        var responses = new ResponsesClient(new ApiKeyCredential("sk-client"), new ResponsesClientOptions { Endpoint = servers.Server.Api.Url("v1") });
        var response = (await responses.CreateResponseAsync(Ask(stream: false))).Value;
        var call = response.OutputItems.OfType<McpToolCallItem>().ShouldHaveSingleItem();
        (call.ServerLabel, call.ToolName).ShouldBe(("everything", "get-sum"));
        call.ToolOutput.ShouldContain(Says);
        response.GetOutputText().ShouldContain(Says);
        var updates = new List<StreamingResponseUpdate>();
        await foreach (var update in await responses.CreateResponseStreamingAsync(Ask(stream: true))) updates.Add(update);
        updates.OfType<StreamingResponseMcpCallCompletedUpdate>().ShouldHaveSingleItem();
        updates[^1].ShouldBeOfType<StreamingResponseCompletedUpdate>().Response.OutputItems.OfType<McpToolCallItem>().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task OpenAIs_for_dotnet_allows_a_call()
    {
        var responses = new ResponsesClient(new ApiKeyCredential("sk-client"), new ResponsesClientOptions { Endpoint = servers.Server.Api.Url("v1") });
        var ask = Asking(ResponseItem.CreateUserMessageItem(Prompt));
        var asked = (await responses.CreateResponseAsync(ask)).Value;
        var request = asked.OutputItems.ShouldHaveSingleItem().ShouldBeOfType<McpToolCallApprovalRequestItem>();
        (request.ServerLabel, request.ToolName).ShouldBe(("everything", "get-sum"));
        var word = Asking(ResponseItem.CreateMcpApprovalResponseItem(request.Id, approved: true));
        word.PreviousResponseId = asked.Id;
        var done = (await responses.CreateResponseAsync(word)).Value;
        done.OutputItems.OfType<McpToolCallItem>().ShouldHaveSingleItem().ToolOutput.ShouldContain(Says);
        done.GetOutputText().ShouldContain(Says);

        static CreateResponseOptions Asking(ResponseItem item)
        {
            // The package wants an address or a connector; which server is meant is said by its label alone.
            var tool = ModelReaderWriter.Read<ResponseTool>(BinaryData.FromString("""{"type":"mcp","server_label":"everything","allowed_tools":["get-sum"],"require_approval":"always"}"""))!;
            return new CreateResponseOptions("simulated/chat?tps=0&ttft=0", [item]) { Tools = { tool } };
        }
    }

    private static CreateResponseOptions Ask(bool stream) => new("tools", [ResponseItem.CreateUserMessageItem(Prompt)]) { StreamingEnabled = stream };

    [Fact]
    public async Task Anthropics_for_dotnet_sees_their_text()
    {
        using var client = new AnthropicClient { ApiKey = "sk-ant-client", BaseUrl = servers.Server.Url.ToString().TrimEnd('/') };
        var ask = new MessageCreateParams { Model = "tools", MaxTokens = 1000, Messages = [new UserMessageParam(Prompt)] };
        var whole = await client.Messages.Create(ask);
        string.Concat(whole.Content.Select(c => c.TryPickText(out var text) ? text.Text : "")).ShouldContain(Says);
        whole.StopReason!.Value().ShouldBe(StopReason.EndTurn);
    }
}
