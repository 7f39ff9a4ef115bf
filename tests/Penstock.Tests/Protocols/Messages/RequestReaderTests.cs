using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.Messages;

namespace Penstock.Tests.Protocols.Messages;

public sealed class RequestReaderTests
{
    [Fact]
    public void Everything_a_conversation_holds_is_read()
    {
        var request = Read("""
            {"model":"anthropic/claude-x","stream":true,"max_tokens":50,"system":[{"type":"text","text":"Be short.","cache_control":{"type":"ephemeral"}}],"messages":[
              {"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}},{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}},
                {"type":"document","title":"D","source":{"type":"base64","media_type":"application/pdf","data":"BB=="}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}},{"type":"document","source":{"type":"file","file_id":"file_1"}}]},
              {"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"sig"},{"type":"redacted_thinking","data":"enc"},{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"tool_use","id":"t1","name":"look","input":{"at": 1}}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"a cat"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"CC=="}}]},{"type":"tool_result","tool_use_id":"t2","content":"x"},{"type":"text","text":"Go on."}]}],
             "tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object","x":1.0},"cache_control":{"type":"ephemeral"},"defer_loading":true},{"type":"web_search_20250305","name":"web_search"}],
             "service_tier":"auto","mcp_servers":[],"container":null}
            """);

        request.Model.ShouldBe("anthropic/claude-x");
        request.Stream.ShouldBeTrue();
        request.Settings.MaxOutputTokens.ShouldBe(new Setting<int>("max_tokens", 50));
        request.Messages.Select(m => m.Role).ShouldBe([Role.System, Role.User, Role.Assistant, Role.User]);
        Encoding.UTF8.GetString(request.Messages[0].Parts[0].CacheControl.Span).ShouldBe("""{"type":"ephemeral"}""");
        var user = request.Messages[1].Parts;
        user.Select(p => p is MediaPart media ? $"{media.Kind} {Encoding.UTF8.GetString(media.Data.Span)}{media.Url}{media.FileId} {media.MediaType} {media.FileName}".TrimEnd() : ((TextPart)p).Text)
            .ShouldBe(["What is this?", "Image AA== image/png", "Image https://a.example/b.png", "File BB== application/pdf D", "plain", "File file_1"]);
        request.Messages[2].Parts.ShouldBe(
        [
            new ReasoningPart("Hm") { Signature = "sig", Path = "messages[1].content[0]" },
            new ReasoningPart("") { Signature = "enc", IsRedacted = true, Path = "messages[1].content[1]" },
            new OtherPart { Path = "messages[1].content[2]" },
            new ToolCallPart("t1", "look", """{"at": 1}""") { Path = "messages[1].content[3]" },
        ]);
        var result = request.Messages[3].Parts[0].ShouldBeOfType<ToolResultPart>();
        (result.Id, result.Text, result.IsError, result.Content.Count).ShouldBe(("t1", "a cat", true, 2));
        request.Messages[3].Parts[1].ShouldBeOfType<ToolResultPart>().Text.ShouldBe("x");
        var tool = request.Tools.ShouldHaveSingleItem();
        (tool.Name, tool.Description, Encoding.UTF8.GetString(tool.Parameters.Span)).ShouldBe(("look", "Looks.", """{"type":"object","x":1.0}"""));
        request.OwnFields.ShouldBe(
        [
            new OwnField("messages[1].content[2] (server_tool_use)", false),
            new OwnField("tools[0].defer_loading", false),
            new OwnField("tools[1] (web_search_20250305)", true),
            new OwnField("service_tier", false),
        ]);
    }

    [Fact]
    public void Every_setting_is_read_under_its_name()
    {
        var settings = Read("""
            {"max_tokens":5,"temperature":0.5,"top_p":0.9,"top_k":7,"stop_sequences":["END"],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
             "thinking":{"type":"enabled","budget_tokens":2048},"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},"metadata":{"user_id":"u"},"messages":[{"role":"user","content":"Hi"}]}
            """).Settings;
        settings.Temperature.ShouldBe(new Setting<double>("temperature", 0.5));
        settings.TopP.ShouldBe(new Setting<double>("top_p", 0.9));
        settings.TopK.ShouldBe(new Setting<int>("top_k", 7));
        settings.StopSequences!.Value.Value.ShouldBe(["END"]);
        settings.ToolChoice!.Value.Value.Mode.ShouldBe(ToolChoiceMode.Required);
        settings.ToolChoice!.Value.Value.Names.ShouldBe(["f"]);
        settings.ParallelToolCalls.ShouldBe(new Setting<bool>("tool_choice.disable_parallel_tool_use", false));
        settings.Reasoning.ShouldBe(new Setting<ReasoningSettings>("thinking", new ReasoningSettings { BudgetTokens = 2048 }));
        settings.Format!.Value.Name.ShouldBe("output_config.format");
        Encoding.UTF8.GetString(settings.Format.Value.Value.Schema.Span).ShouldBe("""{"type":"object"}""");
        settings.User.ShouldBe(new Setting<string>("metadata.user_id", "u"));
    }

    [Theory]
    [InlineData("""{"type":"disabled"}""", "{}", "none", null)]
    [InlineData("""{"type":"adaptive"}""", "{}", null, -1)]
    [InlineData("""{"type":"adaptive"}""", """{"effort":"low"}""", "low", null)]
    [InlineData("null", """{"effort":"high"}""", "high", null)]
    public void Thinking_is_an_effort_or_a_budget(string thinking, string config, string? effort, int? budget)
    {
        var read = Read($$"""{"max_tokens":5,"thinking":{{thinking}},"output_config":{{config}},"messages":[{"role":"user","content":"Hi"}]}""").Settings.Reasoning!.Value.Value;
        (read.Effort, read.BudgetTokens).ShouldBe((effort, budget));
    }

    [Theory]
    [InlineData("auto", ToolChoiceMode.Auto)]
    [InlineData("any", ToolChoiceMode.Required)]
    [InlineData("none", ToolChoiceMode.None)]
    public void Every_tool_choice_is_read(string type, ToolChoiceMode mode) =>
        Read($$$"""{"max_tokens":5,"tool_choice":{"type":"{{{type}}}"},"messages":[{"role":"user","content":"Hi"}]}""").Settings.ToolChoice!.Value.Value.Mode.ShouldBe(mode);

    [Theory]
    [InlineData("\"tool_choice\":{\"type\":\"best\"}", "tool_choice (best)")]
    [InlineData("\"output_format\":{\"type\":\"grammar\"}", "output_format (grammar)")]
    [InlineData("\"output_config\":{\"format\":{\"type\":\"grammar\"}}", "output_config.format (grammar)")]
    public void A_word_that_only_the_provider_knows_is_its_own_and_changes_the_answer(string member, string name) =>
        Read($$"""{"max_tokens":5,{{member}},"messages":[{"role":"user","content":"Hi"}]}""").OwnFields.ShouldBe([new OwnField(name, ChangesAnswer: true)]);

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""", "max_tokens")]
    [InlineData("""{"max_tokens":1}""", "messages")]
    [InlineData("""{"max_tokens":1,"messages":[]}""", "messages")]
    [InlineData("""{"max_tokens":1,"messages":[{"content":"Hi"}]}""", "messages[0].role")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"tool","content":"Hi"}]}""", "messages[0].role")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user"}]}""", "messages[0].content")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[{"text":"Hi"}]}]}""", "messages[0].content[0].type")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image"}]}]}""", "messages[0].content[0].source")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64"}}]}]}""", "messages[0].content[0].source.data")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}""", "messages[0].content[0].tool_use_id")]
    [InlineData("""{"max_tokens":1,"tools":[{}],"messages":[{"role":"user","content":"Hi"}]}""", "tools[0].name")]
    [InlineData("""{"max_tokens":"1","messages":[{"role":"user","content":"Hi"}]}""", "max_tokens")]
    [InlineData("""{"max_tokens":1,"tool_choice":{"type":"tool"},"messages":[{"role":"user","content":"Hi"}]}""", "tool_choice.name")]
    public void What_is_wrong_is_named_with_its_mend(string body, string param)
    {
        var error = Should.Throw<RequestException>(() => Read(body));
        error.Param.ShouldBe(param);
        error.Message.ShouldContain(param);
        error.Status.ShouldBe(400);
    }

    [Fact]
    public void A_thread_is_refused_in_the_words_at_which_an_sdk_sends_the_whole_conversation()
    {
        var error = Should.Throw<RequestException>(() => Read("""{"max_tokens":1,"thread":{"type":"create"},"messages":[{"role":"user","content":"Hi"}]}"""));
        var body = new System.Buffers.ArrayBufferWriter<byte>();
        MessagesErrorWriter.Write(error, "req_1", body);
        var details = System.Text.Json.Nodes.JsonNode.Parse(body.WrittenSpan)!["error"]!["details"]!;
        ((string)details["error_code"]!).ShouldBe("thread_unsupported_request");
        ((string)details["unsupported"]![0]!).ShouldBe("thread");
        Read("""{"max_tokens":1,"thread":null,"messages":[{"role":"user","content":"Hi"}]}""").OwnFields.ShouldBeEmpty();
    }

    [Fact]
    public void Counting_needs_no_limit() =>
        MessagesRequestReader.ReadCounting("""{"messages":[{"role":"user","content":"Hi"}]}"""u8.ToArray()).Messages.ShouldHaveSingleItem();

    internal static GenerationRequest Read(string body) => MessagesRequestReader.Read(Encoding.UTF8.GetBytes(body));
}
