using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>The official SDK for .NET, unmodified.</summary>
public sealed class OpenAiDotNetTests(ClientServer server) : IClassFixture<ClientServer>
{
    private static readonly ChatTool _weather = ChatTool.CreateFunctionTool(
        "get_weather", "The weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""));

    [Fact]
    public async Task It_streams_text_and_usage()
    {
        var text = "";
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;
        await foreach (var update in Client("m").CompleteChatStreamingAsync(new UserChatMessage("dotnet-50")))
        {
            text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            usage = update.Usage ?? usage;
            finish = update.FinishReason ?? finish;
        }

        text.ShouldBe(string.Concat(Tokens.Of("dotnet", 50)));
        usage!.OutputTokenCount.ShouldBe(50);
        finish.ShouldBe(ChatFinishReason.Stop);
    }

    [Fact]
    public async Task It_reads_a_whole_answer()
    {
        var result = (await Client("m").CompleteChatAsync(new UserChatMessage("dotnet-9"))).Value;
        result.Content[0].Text.ShouldBe(string.Concat(Tokens.Of("dotnet", 9)));
        result.FinishReason.ShouldBe(ChatFinishReason.Stop);
        result.Usage.InputTokenCount.ShouldBe(7);
        result.Usage.OutputTokenCount.ShouldBe(9);
    }

    [Fact]
    public async Task It_gets_parallel_tool_calls()
    {
        var names = new SortedDictionary<int, string>();
        var arguments = new SortedDictionary<int, string>();
        ChatFinishReason? finish = null;
        await foreach (var update in Client("tools").CompleteChatStreamingAsync([new UserChatMessage("Weather?")], new ChatCompletionOptions { Tools = { _weather } }))
        {
            finish = update.FinishReason ?? finish;
            foreach (var call in update.ToolCallUpdates)
            {
                if (call.FunctionName is { Length: > 0 } name) names[call.Index] = name;
                arguments[call.Index] = arguments.GetValueOrDefault(call.Index, "") + call.FunctionArgumentsUpdate;
            }
        }

        names.Values.ShouldBe(["get_weather", "get_time"]);
        arguments.Values.ShouldBe([ClientServer.ToolArguments, "{}"]);
        finish.ShouldBe(ChatFinishReason.ToolCalls);
        server.Upstream.Calls.Last(c => c.Model == "tools").Request!["tools"]![0]!["function"]!["name"]!.GetValue<string>().ShouldBe("get_weather");
    }

    [Fact]
    public async Task An_abort_reaches_the_provider()
    {
        using var abort = new CancellationTokenSource();
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            var tokens = 0;
            await foreach (var update in Client("endless").CompleteChatStreamingAsync([new UserChatMessage("Go on")], cancellationToken: abort.Token))
            {
                if (++tokens == 5) await abort.CancelAsync();
            }
        });
        await server.CancelledAsync("endless");
    }

    [Theory]
    [InlineData("up/busy", 429)]
    [InlineData("up/refused", 502)]
    [InlineData("nobody/m", 404)]
    public async Task Errors_have_their_status(string model, int status)
    {
        var error = await Should.ThrowAsync<ClientResultException>(async () =>
        {
            await foreach (var _ in Client(model, prefix: "").CompleteChatStreamingAsync(new UserChatMessage("Hi")))
            {
            }
        });
        error.Status.ShouldBe(status);
    }

    [Fact]
    public async Task An_error_mid_stream_does_not_look_like_an_end()
    {
        // This SDK takes an end without [DONE] for a normal one: the error frame is the only signal it can get.
        var text = "";
        ChatFinishReason? finish = null;
        var error = await Record.ExceptionAsync(async () =>
        {
            await foreach (var update in Client("cut").CompleteChatStreamingAsync(new UserChatMessage("Hi")))
            {
                text += string.Concat(update.ContentUpdate.Select(c => c.Text));
                finish = update.FinishReason ?? finish;
            }
        });
        text.ShouldBe(string.Concat(Tokens.Of("cut", 60).Take(40)));
        finish.ShouldBeNull();
        _ = error; // whether it throws is the SDK's choice
    }

    private ChatClient Client(string model, string prefix = "up/") => new(prefix + model, new ApiKeyCredential("sk-client"), new OpenAIClientOptions
    {
        Endpoint = server.Api.Url("v1"),
        RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
    });
}
