using System.ClientModel;
using System.ClientModel.Primitives;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Helpers;
using Anthropic.Models.Messages;
using OpenAI;
using OpenAI.Chat;
using Penstock.Testing;

namespace Penstock.Server.Tests.Clients.Sdks;

/// <summary>The official SDKs, unmodified, at a server that asks for keys.</summary>
public sealed class KeyTests : IAsyncLifetime
{
    private readonly ScriptedUpstream _upstream = ScriptedUpstream.Start(Tokens.ByPrompt());
    private PenstockProcess _server = null!;
    private string _key = "";

    public async ValueTask InitializeAsync()
    {
        _server = await PenstockProcess.StartAsync(PenstockSettings.For(_upstream, "disk"));
        var (exit, output, error) = await Command.RunAsync("dotnet", [PenstockProcess.ServerDll(), "keys", "create", "--data", _server.DataFolder]);
        exit.ShouldBe(0, error);
        _key = output.Trim();
        await Eventually.Is(async () => (await Api.SendAsync(_server.Api.Get("v1/models"))).Status == System.Net.HttpStatusCode.Unauthorized, "the server asks for keys");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task OpenAIs_for_NET_works_with_a_key_and_throws_its_own_exception_without()
    {
        ChatClient Client(string key) => new("up/m", new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = _server.Api.Url("v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0) });
        var text = "";
        await foreach (var update in Client(_key).CompleteChatStreamingAsync(new UserChatMessage("a-9"))) text += string.Concat(update.ContentUpdate.Select(c => c.Text));
        text.ShouldBe(string.Concat(Tokens.Of("a", 9)));
        var error = await Should.ThrowAsync<ClientResultException>(() => Client("sk-wrong").CompleteChatAsync(new UserChatMessage("a-9")));
        error.Status.ShouldBe(401);
        error.Message.ShouldContain("invalid_api_key");
    }

    [Fact]
    public async Task Anthropics_for_NET_works_with_a_key_and_throws_its_own_exception_without()
    {
        AnthropicClient Client(string key) => new() { ApiKey = key, BaseUrl = _server.Url.ToString().TrimEnd('/'), MaxRetries = 0 };
        var ask = new MessageCreateParams { Model = "up/m", MaxTokens = 100, Messages = [new UserMessageParam("a-9")] };
        using var client = Client(_key);
        var message = await client.Messages.CreateStreaming(ask).Aggregate();
        string.Concat(message.Content.Select(c => c.TryPickText(out var text) ? text.Text : "")).ShouldBe(string.Concat(Tokens.Of("a", 9)));
        using var stranger = Client("sk-wrong");
        await Should.ThrowAsync<AnthropicUnauthorizedException>(() => stranger.Messages.Create(ask));
    }
}
