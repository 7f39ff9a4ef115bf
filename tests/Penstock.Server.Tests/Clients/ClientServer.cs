using Penstock.Testing;

namespace Penstock.Server.Tests.Clients;

/// <summary>One server for all client tests: the upstream answers by the model's name.</summary>
public sealed class ClientServer : IAsyncLifetime
{
    public const string ToolArguments = """{"city":"Oslo","unit":"°C"}""";

    public ScriptedUpstream Upstream { get; } = ScriptedUpstream.Start(Tokens.ByPrompt(TimeSpan.FromMilliseconds(4)));

    public PenstockProcess Server { get; private set; } = null!;

    public Api Api => Server.Api;

    public async ValueTask InitializeAsync()
    {
        Upstream
            .ReplyTo("tools", async call =>
            {
                await call.Sse([Chat.Role(), Chat.ToolCall(0, "call_a", "get_weather"), Chat.ToolCall(1, "call_b", "get_time", "{}")]);
                foreach (var piece in ToolArguments.Chunk(5)) await call.Sse(Chat.Arguments(0, new string(piece)));
                await call.Sse([Chat.Finish("tool_calls"), Chat.Usage(11, 9), "[DONE]"]);
            })
            .ReplyTo("cut", async call =>
            {
                await call.Sse(Chat.Answer(Tokens.Of("cut", 60)).Take(41));
                call.Close();
            })
            .ReplyTo("endless", Tokens.Script(Tokens.Of("endless", 100_000), TimeSpan.FromMilliseconds(5)))
            .ReplyTo("busy", call => call.Json(429, Chat.Error("slow down"), ("Retry-After", "3")))
            .ReplyTo("refused", call => call.Json(401, Chat.Error("bad key")));
        Server = await PenstockProcess.StartAsync(PenstockSettings.For(Upstream, "disk").With("Generations:Grace", "00:00:01").With("DefaultModel", "up/m"));
    }

    /// <summary>Waits until the provider's call for a model was given up.</summary>
    public async Task CancelledAsync(string model)
    {
        var call = Upstream.Calls.Last(c => c.Model == model);
        await Eventually.Completes(call.Closed, $"the provider's call for {model} ends");
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Upstream.DisposeAsync();
    }
}
