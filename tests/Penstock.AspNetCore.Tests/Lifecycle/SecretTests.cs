using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Lifecycle;

public sealed class SecretTests
{
    [Fact]
    public async Task The_providers_key_goes_to_the_provider_and_nowhere_else()
    {
        const string Words = "internal-host-10-0-0-7";
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        host.Upstream
            .ReplyTo("refused", call => call.Json(401, Chat.Error($"{Words} {call.Headers["Authorization"]}")))
            .ReplyTo("early", call => call.Sse(Chat.Error($"{Words} {call.Headers["Authorization"]}")))
            .ReplyTo("late", async call => await call.Sse([Chat.Role(), Chat.Text("a"), Chat.Error($"{Words} {call.Headers["Authorization"]}")]))
            .ReplyTo("html", async call =>
            {
                await call.Head(502, "text/html");
                await call.Write($"<html>{Words} {call.Headers["Authorization"]}</html>");
            })
            .ReplyTo("garbage", async call => await call.Sse($"not json {Words} {call.Headers["Authorization"]}"));

        foreach (var model in (string[])["fine", "refused", "early", "late", "html", "garbage"])
        {
            foreach (var request in (RawRequest[])[host.Api.Chat($"up/{model}", "a-3").With("Authorization", "Bearer sk-client-secret"), host.Api.Native($"up/{model}", "a-3", stream: true), host.Api.ChatStream($"up/{model}", "a-3")])
            {
                using var reply = await RawReply.SendAsync(request);
                var text = await reply.TextAsync() + string.Join(' ', reply.Headers.Values);
                text.ShouldNotContain(PenstockSettings.ApiKey, customMessage: model);
                text.ShouldNotContain(Words, customMessage: model);
            }
        }

        var (_, list) = await Api.SendAsync(host.Api.Get("v1/generations"));
        list!.ToJsonString().ShouldNotContain(PenstockSettings.ApiKey);
        host.Upstream.Calls.ShouldAllBe(call => call.Headers["Authorization"] == $"Bearer {PenstockSettings.ApiKey}");
        host.Log.ShouldNotBeEmpty();
        host.Log.Split('\n').Where(line => line.Contains(PenstockSettings.ApiKey, StringComparison.Ordinal) || line.Contains("sk-client-secret", StringComparison.Ordinal)).ShouldBeEmpty();
    }
}
