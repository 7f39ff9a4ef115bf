using System.Text.Json;
using static Penstock.Tests.Providers.Simulated.SimulatedCall;

namespace Penstock.Tests.Providers.Simulated;

public sealed class SimulatedTextTests
{
    [Theory]
    [InlineData("Why is the sky blue?")]
    [InlineData("hi")]
    [InlineData("什么是量子隧穿？")]
    [InlineData("😀😀😀")]
    [InlineData("**bold** `code` {A} {QUOTE}")]
    [InlineData("")]
    [InlineData("Explain the mechanism of photosynthesis in leaves")]
    public async Task An_answer_has_several_paragraphs_and_over_1400_characters(string prompt)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var reply = await StreamAsync($"chat?{Fast}&seed={seed}", prompt);
            reply.Text.Length.ShouldBeGreaterThan(1400);
            reply.Text.Split("\n\n").Length.ShouldBeGreaterThan(5);
            reply.Text.ShouldNotContain("\uFFFD");
            reply.Text.ShouldNotContain("{B}");
            reply.Finish.ShouldBe("stop");
            reply.Done.ShouldBeTrue();
        }
    }

    [Fact]
    public async Task An_answer_quotes_the_prompt_and_speaks_of_its_words()
    {
        var reply = await StreamAsync($"chat?{Fast}", "Explain the mechanism of photosynthesis");
        reply.Text.ShouldContain("“Explain the mechanism of photosynthesis”");
        reply.Text.ShouldContain("*photosynthesis*");
        reply.Text.ShouldContain("*mechanism*");
    }

    [Fact]
    public async Task The_last_user_message_is_the_prompt_and_parts_are_read()
    {
        var reply = await StreamAsync($"chat?{Fast}", more: """
            "stream":true,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Aardvarks"},{"role":"assistant","content":"Two"},
            {"role":"user","content":[{"type":"text","text":"What is a penstock?"},{"type":"image_url","image_url":{"url":"data:,"}}]}]
            """);
        reply.Text.ShouldContain("What is a penstock?");
        reply.Text.ShouldNotContain("Aardvarks");
    }

    [Fact]
    public async Task The_same_prompt_and_seed_give_the_same_answer_and_others_another()
    {
        var first = (await StreamAsync($"chat?{Fast}&seed=7")).Tokens;
        (await StreamAsync($"chat?{Fast}&seed=7")).Tokens.ShouldBe(first);
        (await StreamAsync($"chat?{Fast}&seed=8")).Tokens.ShouldNotBe(first);
        (await StreamAsync($"chat?{Fast}&seed=7", "Why is the sea blue?")).Tokens.ShouldNotBe(first);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(seed => StreamAsync($"chat?{Fast}&seed={seed}")));
        answers.Select(a => a.Text).Distinct().Count().ShouldBeGreaterThan(15);
    }

    [Fact]
    public async Task Tokens_are_of_natural_size()
    {
        var tokens = (await StreamAsync($"chat?{Fast}")).Tokens;
        tokens.ShouldAllBe(t => t.Length <= 9);
        tokens.Average(t => t.Length).ShouldBeInRange(2.5, 5.5);
        (await StreamAsync($"chat?{Fast}", "什么是量子隧穿？")).Tokens.ShouldContain("量");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(5000)]
    public async Task Tokens_can_be_counted_exactly(int tokens)
    {
        var reply = await StreamAsync($"chat?{Fast}&tokens={tokens}");
        reply.Tokens.Count.ShouldBe(tokens);
        reply.Finish.ShouldBe("stop");
    }

    [Theory]
    [InlineData("max_tokens")]
    [InlineData("max_completion_tokens")]
    public async Task A_limit_on_tokens_ends_the_answer_for_its_length(string field)
    {
        var reply = await StreamAsync($"chat?{Fast}", more: $"\"stream\":true,\"{field}\":12");
        reply.Tokens.Count.ShouldBe(12);
        reply.Finish.ShouldBe("length");
        reply.Done.ShouldBeTrue();
    }

    [Fact]
    public async Task A_limit_that_is_not_reached_changes_nothing()
    {
        var reply = await StreamAsync($"chat?{Fast}&tokens=12", more: "\"stream\":true,\"max_tokens\":12");
        reply.Tokens.Count.ShouldBe(12);
        reply.Finish.ShouldBe("stop");
    }

    [Theory]
    [InlineData("reasoner?")]
    [InlineData("chat?reason=1&")]
    public async Task A_reasoner_thinks_first(string model)
    {
        var reply = await StreamAsync(model + Fast, more: "\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        reply.Reasoning.ShouldContain("Why is the sky blue?");
        var names = reply.Deltas.Skip(1).Select(d => d.EnumerateObject().Select(p => p.Name).FirstOrDefault()).ToList();
        names.LastIndexOf("reasoning_content").ShouldBeLessThan(names.IndexOf("content"));
        reply.Usage!.Value.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32()
            .ShouldBe(names.Count(n => n == "reasoning_content"));
    }

    [Fact]
    public async Task Several_choices_take_turns_and_differ()
    {
        var reply = await StreamAsync($"chat?{Fast}&tokens=30", more: "\"stream\":true,\"n\":3,\"stream_options\":{\"include_usage\":true}");
        var texts = Enumerable.Range(0, 3).Select(i => string.Concat(reply.Choices(i).Select(c => c.GetProperty("delta"))
            .Where(d => d.TryGetProperty("content", out _)).Select(d => d.GetProperty("content").GetString()))).ToList();
        texts.Distinct().Count().ShouldBeGreaterThan(1);
        foreach (var i in Enumerable.Range(0, 3)) reply.Choices(i).Last().GetProperty("finish_reason").GetString().ShouldBe("stop");
        reply.Payloads.Take(6).Select(p => p.GetProperty("choices")[0].GetProperty("index").GetInt32()).ShouldBe([0, 1, 2, 0, 1, 2]);
        reply.Usage!.Value.GetProperty("completion_tokens").GetInt32().ShouldBe(90);
    }

    [Fact]
    public async Task Usage_comes_in_a_last_chunk_when_it_is_asked_for()
    {
        var reply = await StreamAsync($"chat?{Fast}&tokens=10", "12345678901", "\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        reply.Payloads[^1].GetProperty("choices").GetArrayLength().ShouldBe(0);
        reply.Payloads[..^1].ShouldAllBe(p => p.GetProperty("usage").ValueKind == JsonValueKind.Null);
        var usage = reply.Usage!.Value;
        usage.GetProperty("prompt_tokens").GetInt32().ShouldBe(3);
        usage.GetProperty("completion_tokens").GetInt32().ShouldBe(10);
        usage.GetProperty("total_tokens").GetInt32().ShouldBe(13);

        (await StreamAsync($"chat?{Fast}")).Payloads.Count(p => p.TryGetProperty("usage", out _)).ShouldBe(0);
    }

    [Fact]
    public async Task Every_chunk_has_the_same_id_and_the_first_tells_the_role()
    {
        var reply = await StreamAsync($"chat?{Fast}");
        reply.Payloads.Select(p => (p.GetProperty("id").GetString(), p.GetProperty("created").GetInt64(), p.GetProperty("model").GetString())).Distinct().Count().ShouldBe(1);
        reply.Payloads.ShouldAllBe(p => p.GetProperty("object").GetString() == "chat.completion.chunk");
        reply.Deltas[0].GetRawText().ShouldBe("""{"role":"assistant","content":""}""");
        reply.Deltas[^1].GetRawText().ShouldBe("{}");
    }

    [Fact]
    public async Task Without_stream_the_answer_is_one_document()
    {
        var streamed = await StreamAsync($"reasoner?{Fast}");
        var document = await DocumentAsync($"reasoner?{Fast}");
        document.GetProperty("object").GetString().ShouldBe("chat.completion");
        var choice = document.GetProperty("choices")[0];
        choice.GetProperty("message").GetProperty("content").GetString().ShouldBe(streamed.Text);
        choice.GetProperty("message").GetProperty("reasoning_content").GetString().ShouldBe(streamed.Reasoning);
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
        document.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBeGreaterThan(300);
    }
}
