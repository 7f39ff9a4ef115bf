using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Faults;

/// <summary>A provider that streams where a document was asked for, or the other way round.</summary>
public sealed class OtherFormTests
{
    private static readonly IReadOnlyList<string> _tokens = Tokens.Of("form", 20);

    [Fact]
    public async Task A_stream_where_a_document_was_asked_for_is_a_document_to_the_client()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Sse(Chat.Answer(_tokens).Append("[DONE]")));
        var (_, document) = await Api.SendAsync(host.Api.Chat("up/m", stream: false));
        ((bool)host.Upstream.Calls.Single().Request!["stream"]!).ShouldBeFalse();
        ((string)document!["object"]!).ShouldBe("chat.completion");
        ((string)document["choices"]![0]!["message"]!["content"]!).ShouldBe(string.Concat(_tokens));
        ((int)document["usage"]!["completion_tokens"]!).ShouldBe(20);
    }

    [Fact]
    public async Task A_document_where_a_stream_was_asked_for_is_a_stream_to_the_client()
    {
        await using var host = await PenstockHost.StartAsync(call => call.Json(200, Chat.Whole(string.Concat(_tokens), 7, 20)));
        var events = await SseClient.AllAsync(host.Api.Chat("up/m"));
        View.ChatText(events).ShouldBe(string.Concat(_tokens));
        events.ShouldAllBe(e => View.IsDone(e) || (string?)e.Json()["object"] == "chat.completion.chunk");
        View.IsDone(events[^1]).ShouldBeTrue();
    }
}
