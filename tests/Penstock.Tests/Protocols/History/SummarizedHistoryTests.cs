using System.Text;
using Penstock.Generations.Summaries;
using Penstock.Protocols;
using Penstock.Protocols.History;

namespace Penstock.Tests.Protocols.History;

public sealed class SummarizedHistoryTests
{
    [Fact]
    public void The_same_words_have_the_same_hash_in_each_protocol_and_others_another()
    {
        const string Chat = """{"model":"m","messages":[{"role":"system","content":"S"},{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"},{"role":"user","content":"Next"}]}""";
        const string Messages = """{"model":"m","max_tokens":9,"system":"Other","messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"assistant","content":"Ho"},{"role":"user","content":"Else"}]}""";
        const string Gemini = """{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Ho"}]},{"role":"user","parts":[{"text":"More"}]}]}""";
        var hash = Starts(ClientProtocols.ChatCompletions, Chat).ShouldHaveSingleItem().Hash;
        Starts(ClientProtocols.Messages, Messages).ShouldHaveSingleItem().Hash.ShouldBe(hash);
        Starts(ClientProtocols.Gemini, Gemini).ShouldHaveSingleItem().Hash.ShouldBe(hash);
        foreach (var (from, to) in ((string, string)[])[("Hi", "H"), ("Ho", "Hi"), ("\"Ho\"", "\"Ho \"")])
            Starts(ClientProtocols.ChatCompletions, Chat.Replace(from, to, StringComparison.Ordinal)).ShouldHaveSingleItem().Hash.ShouldNotBe(hash, to);
        Starts(ClientProtocols.ChatCompletions, Chat.Replace("\"S\"", "\"Be kind.\"", StringComparison.Ordinal)).ShouldHaveSingleItem().Hash.ShouldBe(hash); // instructions stay, and are not summed up
    }

    [Fact]
    public void Each_start_says_all_that_stands_before_it()
    {
        var starts = Starts(ClientProtocols.ChatCompletions, $$"""{"model":"m","messages":[{{string.Join(',', Enumerable.Range(0, 9).Select(i => $$"""{"role":"{{(i % 2 == 0 ? "user" : "assistant")}}","content":"{{i}}"}"""))}}]}""");
        starts.Select(s => s.Index).ShouldBe([2, 4, 6, 8]);
        starts.Select(s => s.Hash).Distinct().Count().ShouldBe(4);
        var changed = Starts(ClientProtocols.ChatCompletions, """{"model":"m","messages":[{"role":"user","content":"0"},{"role":"assistant","content":"1"},{"role":"user","content":"2"},{"role":"assistant","content":"x"},{"role":"user","content":"4"}]}""");
        changed[0].Hash.ShouldBe(starts[0].Hash);
        changed[1].Hash.ShouldNotBe(starts[1].Hash);
    }

    [Theory]
    [InlineData(100, 64)]
    [InlineData(1000, 64)]
    [InlineData(2000, 128)]
    [InlineData(8192, 1024)]
    [InlineData(200_000, 2048)]
    public void A_summary_has_an_eighth_of_the_window_at_most(long window, long size)
    {
        new HistoryBudget(window, window, UsageSource.Estimated).SummaryTokens.ShouldBe(size);
        HistoryBudget.SummarySizes.ShouldContain(size);
    }

    [Theory]
    [InlineData("short", 100)]
    [InlineData("0123456789012345678901234567890123456789", 30)]
    [InlineData("ääääääääääääääääääääääääääääääääääääääää", 30)]
    [InlineData("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀", 31)]
    public void What_is_clipped_keeps_its_ends_and_whole_characters(string text, int bytes)
    {
        var clipped = Transcript.Clip(text, bytes);
        Encoding.UTF8.GetByteCount(clipped).ShouldBeLessThanOrEqualTo(bytes);
        clipped[..2].ShouldBe(text[..2]);
        clipped[^2..].ShouldBe(text[^2..]);
        clipped.ShouldNotContain('\ufffd');
        (clipped == text).ShouldBe(Encoding.UTF8.GetByteCount(text) <= bytes);
        Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(clipped)).ShouldBe(clipped);
    }

    [Fact]
    public void A_transcript_tells_calls_and_what_came_of_them_and_no_instructions()
    {
        Message[] messages =
        [
            new(Role.System, [new TextPart("Be brief.")]), new(Role.User, [new TextPart("Weather?"), new MediaPart(MediaKind.Image) { FileName = "sky.png" }]),
            new(Role.Assistant, [new ReasoningPart("Hm."), new ToolCallPart("1", "get_weather", """{"city":"Rome"}""")]), new(Role.Tool, [new ToolResultPart("1", [new TextPart("Sunny.")])]),
            new(Role.Assistant, [new TextPart("It is sunny.")]),
        ];
        Transcript.Of(messages, 0, messages.Length).ShouldBe(
            "<user>Weather?</user>\n<user>[image sky.png]</user>\n<assistant>[calls get_weather({\"city\":\"Rome\"})]</assistant>\n<result>Sunny.</result>\n<assistant>It is sunny.</assistant>\n");
    }

    private static IReadOnlyList<ExchangeStart> Starts(ClientProtocol protocol, string body) => SummarizedHistory.Starts(protocol.ReadRequest(Encoding.UTF8.GetBytes(body)).Messages);
}
