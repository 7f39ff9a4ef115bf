using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Penstock.Protocols;
using Penstock.Protocols.ChatCompletions;
using Penstock.Protocols.Messages;

namespace Penstock.Tests.Protocols.Messages;

/// <summary>What a Messages provider is asked, for clients of its own protocol and, by way of Chat Completions, of others.</summary>
public sealed class RequestWriterTests
{
    [Theory]
    [InlineData("https://api.anthropic.com/", "https://api.anthropic.com/v1/messages")]
    [InlineData("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages")]
    [InlineData("https://gateway.example/anthropic/", "https://gateway.example/anthropic/v1/messages")]
    public void An_address_is_taken_with_or_without_its_version(string baseUrl, string url)
    {
        var protocol = new MessagesProviderProtocol(new Uri(baseUrl), version: null);
        new Uri(new Uri(baseUrl), protocol.Path("m", stream: true)).ToString().ShouldBe(url);
        new Uri(new Uri(baseUrl), protocol.CountTokensPath("m")!).ToString().ShouldBe($"{url}/count_tokens");
    }

    private const string Hi = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    [Fact]
    public void A_body_of_the_same_protocol_is_passed_on_byte_for_byte_but_for_model_and_stream()
    {
        var request = RequestReaderTests.Read("""{"model":"a/b", "max_tokens" : 5,"stream":true,"messages":[{"role":"user","content":"\u0041"}], "aura":1.0 }""");
        var (body, dropped) = Write(request, "claude-x");
        body.ShouldBe("""{"model":"claude-x","max_tokens" : 5,"messages":[{"role":"user","content":"\u0041"}],"aura":1.0,"stream":true}""");
        dropped.ShouldBeEmpty();
    }

    [Fact]
    public void A_conversation_becomes_turns_of_two_sides()
    {
        var (body, dropped) = FromChat("""
            {"messages":[
              {"role":"system","content":"Be short."},{"role":"developer","content":"Be kind."},
              {"role":"user","content":"What is"},{"role":"user","content":[{"type":"text","text":"this? "},{"type":"text","text":" "},{"type":"image_url","image_url":{"url":"data:image/gif;base64,AA"}},{"type":"image_url","image_url":{"url":"https://a.example/b.png","detail":"low"}},
                {"type":"file","file":{"filename":"f.pdf","file_data":"data:application/pdf;base64,BB"}}]},
              {"role":"assistant","content":"","reasoning_details":[{"type":"reasoning.text","text":"Hm","signature":"sig"}],"tool_calls":[{"id":"call.1","type":"function","function":{"name":"look","arguments":"{\"at\":1}"}},{"id":"call_2","type":"function","function":{"name":"look","arguments":""}},{"id":"call_3","type":"function","function":{"name":"look","arguments":"oops"}}]},
              {"role":"tool","tool_call_id":"call.1","content":"a cat"},{"role":"tool","tool_call_id":"call_2","content":""},
              {"role":"user","content":"Well?"},
              {"role":"assistant","reasoning_content":"unsigned","content":"So: "}]}
            """, "claude-sonnet-4-5");
        JsonNode.DeepEquals(body["system"], JsonNode.Parse("""[{"type":"text","text":"Be short."},{"type":"text","text":"Be kind."}]""")).ShouldBeTrue(body["system"]!.ToJsonString());
        var messages = JsonNode.Parse("""
            [{"role":"user","content":[{"type":"text","text":"What is"},{"type":"text","text":"this? "},{"type":"image","source":{"type":"base64","media_type":"image/gif","data":"AA"}},
               {"type":"image","source":{"type":"url","url":"https://a.example/b.png"}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"BB"},"title":"f.pdf"}]},
             {"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"sig"},{"type":"tool_use","id":"call_1","name":"look","input":{"at":1}},{"type":"tool_use","id":"call_2","name":"look","input":{}},{"type":"tool_use","id":"call_3","name":"look","input":{"arguments":"oops"}}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"a cat"},{"type":"tool_result","tool_use_id":"call_2"},{"type":"text","text":"Well?"}]},
             {"role":"assistant","content":[{"type":"text","text":"So:"}]}]
            """);
        JsonNode.DeepEquals(body["messages"], messages).ShouldBeTrue(body["messages"]!.ToJsonString());
        ((int)body["max_tokens"]!).ShouldBe(32_000);
        ((bool)body["stream"]!).ShouldBeTrue();
        dropped.ShouldBe(["messages[8].reasoning_content", "messages[3].content[3].detail"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("""[{"role":"system","content":"Speak."}]""", """[{"role":"user","content":[{"type":"text","text":"Speak."}]}]""")]
    [InlineData("""[{"role":"assistant","content":"Hello!"},{"role":"user","content":"Hi"}]""", """[{"role":"user","content":[{"type":"text","text":"."}]},{"role":"assistant","content":[{"type":"text","text":"Hello!"}]},{"role":"user","content":[{"type":"text","text":"Hi"}]}]""")]
    [InlineData("""[{"role":"user","content":"A"},{"role":"assistant","content":" "},{"role":"user","content":"B"}]""", """[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]""")]
    [InlineData("""[{"role":"user","content":"A"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"R"}]""", """[{"role":"user","content":[{"type":"text","text":"A"}]},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"R"}]}]""")]
    public void What_the_API_would_refuse_is_mended(string messages, string expected) =>
        FromChat($$"""{"messages":{{messages}}}""").Body["messages"]!.ToJsonString().ShouldBe(expected);

    [Fact]
    public void Settings_are_said_in_the_protocols_words()
    {
        var (body, dropped) = FromChat("{" + Hi + """
            ,"max_tokens":100,"temperature":1.7,"top_k":5,"stop":["END"],"user":"u","seed":1,"frequency_penalty":1,"presence_penalty":1,"logprobs":true,"n":1,"metadata":{"a":"b"},"store":false,
             "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"a":{"type":"object"},"b":{"type":"array","items":{"type":"object","additionalProperties":false}}}}}}}
            """);
        body.AsObject().Remove("messages");
        JsonNode.DeepEquals(body, JsonNode.Parse("""
            {"model":"claude-x","max_tokens":100,"temperature":1,"top_k":5,"stop_sequences":["END"],"metadata":{"user_id":"u"},"stream":true,
             "output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"object","additionalProperties":false},"b":{"type":"array","items":{"type":"object","additionalProperties":false}}},"additionalProperties":false}}}}
            """)).ShouldBeTrue(body.ToJsonString());
        dropped.ShouldBe(["store", "metadata", "seed", "logprobs", "frequency_penalty", "presence_penalty"]);
    }

    [Fact]
    public void Any_JSON_object_is_asked_for_in_words() =>
        FromChat("{" + Hi + ""","response_format":{"type":"json_object"}}""").Body["system"]!.ToJsonString().ShouldContain("one JSON object");

    [Theory]
    [InlineData("", null, null)]
    [InlineData(""","tool_choice":"auto" """, """{"type":"auto"}""", null)]
    [InlineData(""","tool_choice":"none","parallel_tool_calls":false""", """{"type":"none"}""", null)]
    [InlineData(""","tool_choice":"required" """, """{"type":"any"}""", null)]
    [InlineData(""","parallel_tool_calls":false""", """{"type":"auto","disable_parallel_tool_use":true}""", null)]
    [InlineData(""","parallel_tool_calls":true""", null, null)]
    [InlineData(""","tool_choice":{"type":"function","function":{"name":"g"}}""", """{"type":"tool","name":"g"}""", null)]
    [InlineData(""","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"g"}}]}}""", """{"type":"auto"}""", "g")]
    public void Tools_and_the_choice_of_them(string choice, string? expected, string? only)
    {
        var (body, _) = FromChat("{" + Hi + ""","tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,"parameters":{"properties":{}}}},{"type":"function","function":{"name":"g"}}]""" + choice + "}");
        body["tool_choice"]?.ToJsonString().ShouldBe(expected);
        if (expected is null) body["tool_choice"].ShouldBeNull();
        string[] tools =
        [
            """{"name":"f","description":"d","input_schema":{"type":"object","properties":{}},"strict":true}""",
            """{"name":"g","input_schema":{"type":"object","properties":{}}}""",
        ];
        body["tools"]!.AsArray().Select(t => t!.ToJsonString()).ShouldBe(only is null ? tools : tools[1..]);
    }

    [Theory]
    [InlineData("claude-haiku-4-5", ""","reasoning_effort":"medium" """, """{"type":"enabled","budget_tokens":8192}""", null)]
    [InlineData("claude-haiku-4-5", ""","reasoning_effort":"max" """, """{"type":"enabled","budget_tokens":27904}""", null)]
    [InlineData("claude-haiku-4-5", ""","reasoning_effort":"minimal" """, """{"type":"enabled","budget_tokens":1024}""", null)]
    [InlineData("claude-haiku-4-5", ""","reasoning_effort":"medium","max_tokens":2000""", """{"type":"enabled","budget_tokens":1999}""", null)]
    [InlineData("claude-haiku-4-5", ""","reasoning_effort":"medium","max_tokens":500""", null, null, "reasoning_effort")]
    [InlineData("claude-haiku-4-5", ""","reasoning_effort":"none" """, """{"type":"disabled"}""", null)]
    [InlineData("claude-haiku-4-5", ""","reasoning":{"max_tokens":3000}""", """{"type":"enabled","budget_tokens":3000}""", null)]
    [InlineData("claude-opus-4-6", ""","reasoning_effort":"medium" """, """{"type":"adaptive"}""", "medium")]
    [InlineData("claude-opus-4-6", ""","reasoning_effort":"minimal" """, """{"type":"adaptive"}""", "low")]
    [InlineData("claude-opus-4-6", ""","reasoning_effort":"high","tool_choice":"required" """, null, null, "reasoning_effort")]
    [InlineData("claude-opus-4-6", "", null, null)]
    public void Thinking_is_asked_for_as_the_model_takes_it(string model, string settings, string? thinking, string? effort, string? dropped = null)
    {
        var (body, names) = FromChat("{" + Hi + settings + "}", model);
        (body["thinking"]?.ToJsonString()).ShouldBe(thinking);
        ((string?)body["output_config"]?["effort"]).ShouldBe(effort);
        names.ShouldBe(dropped is null ? [] : [dropped]);
    }

    [Fact]
    public void A_model_that_thinks_takes_no_sampling()
    {
        var (body, dropped) = FromChat("{" + Hi + ""","reasoning_effort":"low","temperature":0.2,"top_p":0.5}""");
        (body["temperature"] ?? body["top_p"]).ShouldBeNull();
        dropped.ShouldBe(["temperature", "top_p"]);
        FromChat("{" + Hi + ""","temperature":0.2,"top_p":0.5}""").Dropped.ShouldBe(["top_p"]);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(""","reasoning_details":[{"type":"reasoning.text","text":"Hm","signature":"s"}]""", false)]
    public void It_cannot_begin_to_think_between_a_call_and_its_result(string thought, bool dropped)
    {
        var (body, names) = FromChat("""
            {"reasoning_effort":"low","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]THOUGHT},{"role":"tool","tool_call_id":"a","content":"R"}]}
            """.Replace("THOUGHT", thought, StringComparison.Ordinal));
        names.Contains("reasoning_effort").ShouldBe(dropped);
        (body["thinking"] is null).ShouldBe(dropped);
    }

    [Theory]
    [InlineData(""","n":2""", "n")]
    [InlineData(""","stop":["\n"]""", "stop")]
    [InlineData(""","logit_bias":{"1":2}""", "logit_bias")]
    [InlineData(""","tools":[{"type":"web_search"}]""", "tools[0] (web_search)")]
    public void What_cannot_be_said_and_matters_is_refused_by_name(string settings, string param)
    {
        var error = Should.Throw<RequestException>(() => FromChat("{" + Hi + settings + "}"));
        error.Param.ShouldBe(param);
        error.Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("""{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}""")]
    [InlineData("""{"type":"file","file":{"file_id":"f"}}""")]
    [InlineData("""{"type":"file","file":{"file_data":"data:application/zip;base64,AA"}}""")]
    public void Media_that_it_does_not_take_is_refused(string part) =>
        Should.Throw<RequestException>(() => FromChat("{\"messages\":[{\"role\":\"user\",\"content\":[" + part + "]}]}")).Param.ShouldStartWith("messages[0].content[0]");

    private static (JsonNode Body, IReadOnlyList<string> Dropped) FromChat(string body, string model = "claude-x")
    {
        var (written, dropped) = Write(ChatCompletionsRequestReader.Read(Encoding.UTF8.GetBytes(body)), model);
        return (JsonNode.Parse(written)!, dropped);
    }

    private static (string Body, IReadOnlyList<string> Dropped) Write(GenerationRequest request, string model)
    {
        var output = new ArrayBufferWriter<byte>();
        var dropped = new DroppedFields();
        ProviderProtocols.New("messages", new Uri("https://api.example.com"), version: null).WriteRequest(request, model, stream: true, output, dropped);
        return (Encoding.UTF8.GetString(output.WrittenSpan), dropped.Names);
    }
}
