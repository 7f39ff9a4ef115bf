using System.Buffers;
using System.Text;
using System.Text.Json;
using Penstock.Protocols;
using Penstock.Protocols.ChatCompletions;

namespace Penstock.Tests.Protocols.ChatCompletions;

public sealed class RequestTests
{
    [Fact]
    public void Everything_a_conversation_holds_is_read()
    {
        var request = Read("""
            {"model":"openai/gpt-5","stream":true,"stream_options":{"include_usage":true},"n":2,"max_completion_tokens":50,"messages":[
              {"role":"developer","content":"Be short."},
              {"role":"user","content":[{"type":"text","text":"What is "},{"type":"text","text":"this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},
                {"type":"input_audio","input_audio":{"data":"AA","format":"wav"}},{"type":"file","file":{"file_id":"f"}},{"type":"hologram"}]},
              {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"look","arguments":"{\"at\":1}"}}]},
              {"role":"tool","tool_call_id":"call_1","content":"a cat"}],
             "tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object","x":1.0}}},{"type":"custom","custom":{"name":"c"}}]}
            """);

        request.Model.ShouldBe("openai/gpt-5");
        request.Stream.ShouldBeTrue();
        request.IncludeUsage.ShouldBeTrue();
        request.Choices.ShouldBe(2);
        request.Settings.MaxOutputTokens.ShouldBe(new Setting<int>("max_completion_tokens", 50));
        request.Messages.Select(m => m.Role).ShouldBe([Role.Developer, Role.User, Role.Assistant, Role.Tool]);
        request.Messages[1].Text.ShouldBe("What is this?");
        request.Messages[1].Parts.Select(p => p is MediaPart media ? $"{media.Kind}" : p.GetType().Name)
            .ShouldBe(["TextPart", "TextPart", "Image", "Audio", "File", "OtherPart"]);
        request.OwnFields.Select(f => f.Name).ShouldBe(["messages[1].content[5] (hologram)", "tools[1] (custom)"]);
        request.Messages[2].Parts.ShouldHaveSingleItem().ShouldBe(new ToolCallPart("call_1", "look", """{"at":1}""") { Path = "messages[2].tool_calls[0].function" });
        request.Messages[3].Parts.ShouldHaveSingleItem().ShouldBeOfType<ToolResultPart>().Text.ShouldBe("a cat");
        var tool = request.Tools.ShouldHaveSingleItem();
        tool.Name.ShouldBe("look");
        Encoding.UTF8.GetString(tool.Parameters.Span).ShouldBe("""{"type":"object","x":1.0}""");
    }

    [Fact]
    public void Half_a_surrogate_pair_in_a_message_is_no_error() =>
        Read("""{"messages":[{"role":"user","content":"a\ud83d"}]}""").Messages[0].Text.ShouldBe("a\ud83d");

    [Fact]
    public void Null_means_absent()
    {
        var request = Read("""{"prompt":"Hi","messages":null,"model":null,"n":null,"stream":null,"stream_options":null,"tools":null,"stop":null,"temperature":null}""");
        request.Choices.ShouldBe(1);
        request.Stream.ShouldBeFalse();
    }

    [Fact]
    public void Every_field_reaches_the_provider_byte_for_byte()
    {
        var request = Read("""
            { "model" : "fast", "temperature": 1.00, "seed":12345678901234567890, "messages": [ {"role":"user","content":"\u0048i \/ 好 \ud83d","name":"x"} ],
              "unknown": {"a":[1e2, 0.10,null, true ]}, "stream": false, "background": 1, "stream_options":{"include_usage":false,"include_obfuscation":false}, "response_format":{"type":"json_object"} }
            """);
        Write(request, "gpt-5", stream: true).ShouldBe(
            """{"model":"gpt-5","temperature": 1.00,"seed":12345678901234567890,"messages": [ {"role":"user","content":"\u0048i \/ 好 \ud83d","name":"x"} ],"unknown": {"a":[1e2, 0.10,null, true ]},"background": 1,"response_format":{"type":"json_object"},"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}""");
    }

    [Fact]
    public void Stream_options_go_only_with_a_stream() =>
        Write(Read("""{"messages":[{"role":"user","content":"Hi"}],"stream_options":{"include_usage":true}}"""), "m", stream: false)
            .ShouldBe("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":false}""");

    [Fact]
    public void The_prompt_of_the_legacy_form_becomes_a_message() =>
        Write(Read("""{"prompt":"Say \"Hi\"\n","stream":true}"""), "m", stream: true)
            .ShouldBe("""{"model":"m","messages":[{"role":"user","content":"Say \"Hi\"\n"}],"stream":true,"stream_options":{"include_usage":true}}""");

    [Fact]
    public void A_native_request_leaves_its_own_fields_behind()
    {
        var request = ClientProtocols.Native.ReadRequest(Encoding.UTF8.GetBytes("""{"prompt":"Hi","background":true,"top_k":3,"onDisconnect":"grace 30"}"""));
        Write(request, "m", stream: false).ShouldBe("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"top_k":3,"stream":false}""");
    }

    [Fact]
    public void A_text_request_becomes_a_message()
    {
        var request = ClientProtocols.TextAsk.ReadRequest(Encoding.UTF8.GetBytes("""{"query":"Hi \"you\"","uuid":"a-1"}"""));
        Write(request, "m", stream: true)
            .ShouldBe("""{"model":"m","messages":[{"role":"user","content":"Hi \"you\""}],"stream":true,"stream_options":{"include_usage":true}}""");
    }

    [Fact]
    public void The_call_is_a_POST_beneath_the_base_URL_with_a_bearer_key()
    {
        var protocol = ProviderProtocols.New("chat-completions", new Uri("https://api.example.com/v1"), version: null);
        protocol.Path("m", stream: true).ShouldBe("chat/completions");
        protocol.Credential("k").ShouldBe(("Authorization", "Bearer k"));
    }

    private static GenerationRequest Read(string body) => ClientProtocols.ChatCompletions.ReadRequest(Encoding.UTF8.GetBytes(body));

    private static string Write(GenerationRequest request, string model, bool stream)
    {
        var output = new ArrayBufferWriter<byte>();
        ProviderProtocols.New("chat-completions", new Uri("https://api.example.com/v1"), version: null).WriteRequest(request, model, stream, output, new DroppedFields());
        JsonDocument.Parse(output.WrittenMemory).Dispose();
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
