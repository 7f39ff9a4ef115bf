using System.Buffers;
using System.Text;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols.ChatCompletions;

public sealed class RequestErrorTests
{
    private const string Hi = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    public static TheoryData<string, string?, string, string> Bodies => new()
    {
        { "", null, "invalid_json", "empty" },
        { "  \n ", null, "invalid_json", "empty" },
        { "{\"a\":1,\n  oops}", null, "invalid_json", "line 2, byte 3" },
        { "{\"messages\":[", null, "invalid_json", "line 1" },
        { $"{{{Hi}}} trailing", null, "invalid_json", "line 1" },
        { "[]", null, "invalid_type", "an array" },
        { "\"Hi\"", null, "invalid_type", "a string" },
        { "null", null, "invalid_type", "null" },
        { "{}", "messages", "missing_required_parameter", "missing" },
        { "{\"messages\":null}", "messages", "missing_required_parameter", "missing" },
        { $"{{{Hi},{Hi}}}", "messages", "invalid_value", "twice" },
        { $"{{{Hi},\"mod\\u0065l\":\"a\",\"model\":\"b\"}}", "model", "invalid_value", "twice" },
        { $"{{{Hi},\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"a\":2}}", "a", "invalid_value", "twice" },
        { $"{{{Hi},\"prompt\":\"Hi\"}}", "prompt", "invalid_value", "one of them" },
        { "{\"prompt\":\"\"}", "prompt", "invalid_value", "empty" },
        { "{\"prompt\":\" \\n \"}", "prompt", "invalid_value", "empty" },
        { "{\"prompt\":7}", "prompt", "invalid_type", "a number" },
        { $"{{\"prompt\":\"{new string('x', 5001)}\"}}", "prompt", "string_above_max_length", "5001" },
        { "{\"messages\":[]}", "messages", "empty_array", "empty" },
        { "{\"messages\":\"Hi\"}", "messages", "invalid_type", "a string" },
        { "{\"messages\":[\"Hi\"]}", "messages[0]", "invalid_type", "a string" },
        { "{\"messages\":[{\"content\":\"Hi\"}]}", "messages[0].role", "missing_required_parameter", "missing" },
        { "{\"messages\":[{\"role\":1,\"content\":\"Hi\"}]}", "messages[0].role", "invalid_type", "a number" },
        { "{\"messages\":[{\"role\":\"king\",\"content\":\"Hi\"}]}", "messages[0].role", "invalid_value", "king" },
        { "{\"messages\":[{\"role\":\"user\"}]}", "messages[0].content", "missing_required_parameter", "missing" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":null}]}", "messages[0].content", "missing_required_parameter", "missing" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":7}]}", "messages[0].content", "invalid_type", "a number" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":{}}]}", "messages[0].content", "invalid_type", "an object" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":[\"Hi\"]}]}", "messages[0].content[0]", "invalid_type", "a string" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"}]}]}", "messages[0].content[0].type", "missing_required_parameter", "missing" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}", "messages[0].content[0].text", "missing_required_parameter", "missing" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]}", "messages[0].content[0].text", "invalid_type", "a number" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", "messages[0].content[0].image_url", "missing_required_parameter", "missing" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]}", "messages[0].content[0].image_url.url", "missing_required_parameter", "missing" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", "messages", "invalid_value", "empty" },
        { "{\"messages\":[{\"role\":\"user\",\"content\":\" \"},{\"role\":\"user\",\"content\":[]}]}", "messages", "invalid_value", "empty" },
        { "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":{}}]}", "messages[0].tool_calls", "invalid_type", "an object" },
        { "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[1]}]}", "messages[0].tool_calls[0]", "invalid_type", "a number" },
        { "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]}]}", "messages[0].tool_calls[0].function.arguments", "invalid_type", "an object" },
        { "{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":1,\"content\":\"x\"}]}", "messages[0].tool_call_id", "invalid_type", "a number" },
        { $"{{{Hi},\"model\":5}}", "model", "invalid_type", "a number" },
        { $"{{{Hi},\"model\":\"\"}}", "model", "invalid_value", "empty" },
        { $"{{{Hi},\"stream\":\"yes\"}}", "stream", "invalid_type", "true or false" },
        { $"{{{Hi},\"stream_options\":true}}", "stream_options", "invalid_type", "an object" },
        { $"{{{Hi},\"stream_options\":{{\"include_usage\":1}}}}", "stream_options.include_usage", "invalid_type", "true or false" },
        { $"{{{Hi},\"n\":0}}", "n", "invalid_value", "from 1 to 128" },
        { $"{{{Hi},\"n\":129}}", "n", "invalid_value", "from 1 to 128" },
        { $"{{{Hi},\"n\":1.5}}", "n", "invalid_value", "1.5" },
        { $"{{{Hi},\"n\":\"2\"}}", "n", "invalid_type", "a string" },
        { $"{{{Hi},\"max_tokens\":0}}", "max_tokens", "invalid_value", "at least 1" },
        { $"{{{Hi},\"max_completion_tokens\":\"many\"}}", "max_completion_tokens", "invalid_type", "a string" },
        { $"{{{Hi},\"temperature\":\"hot\"}}", "temperature", "invalid_type", "a number" },
        { $"{{{Hi},\"top_p\":[]}}", "top_p", "invalid_type", "a number" },
        { $"{{{Hi},\"stop\":1}}", "stop", "invalid_type", "a string or a list" },
        { $"{{{Hi},\"stop\":[1]}}", "stop[0]", "invalid_type", "a number" },
        { $"{{{Hi},\"tools\":{{}}}}", "tools", "invalid_type", "an object" },
        { $"{{{Hi},\"tools\":[1]}}", "tools[0]", "invalid_type", "a number" },
        { $"{{{Hi},\"tools\":[{{\"type\":\"function\"}}]}}", "tools[0].function", "missing_required_parameter", "missing" },
        { $"{{{Hi},\"tools\":[{{\"function\":{{}}}}]}}", "tools[0].function.name", "missing_required_parameter", "missing" },
        { $"{{{Hi},\"tools\":[{{\"function\":{{\"name\":\"f\",\"parameters\":\"x\"}}}}]}}", "tools[0].function.parameters", "invalid_type", "a string" },
        { $"{{{Hi},\"functions\":[{{}}]}}", "functions[0].name", "missing_required_parameter", "missing" },
        { $"{{{Hi},\"tool_choice\":1}}", "tool_choice", "invalid_type", "a number" },
        { $"{{{Hi},\"response_format\":\"json\"}}", "response_format", "invalid_type", "a string" },
        { $"{{{Hi},\"deep\":{new string('[', 300)}{new string(']', 300)}}}", null, "invalid_json", "line 1" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void A_body_that_cannot_be_taken_is_answered_with_the_field_and_the_mend(string body, string? param, string code, string says)
    {
        var error = Should.Throw<RequestException>(() => ClientProtocols.ChatCompletions.ReadRequest(Encoding.UTF8.GetBytes(body)));
        error.Param.ShouldBe(param);
        error.Code.ShouldBe(code);
        error.Status.ShouldBe(400);
        error.Message.ShouldContain(says);
        if (param is not null) error.Message.ShouldContain(param.Split('.', '[')[0]);
    }

    [Fact]
    public void A_body_that_is_not_UTF_8_says_so() =>
        Should.Throw<RequestException>(() => ClientProtocols.ChatCompletions.ReadRequest(new byte[] { (byte)'"', 0xff, (byte)'"' })).Message.ShouldContain("UTF-8");

    [Fact]
    public void Five_thousand_emoji_are_five_thousand_characters() =>
        ClientProtocols.ChatCompletions.ReadRequest(Encoding.UTF8.GetBytes($"{{\"prompt\":\"{string.Concat(Enumerable.Repeat("😀", 5000))}\"}}")).Messages.Count.ShouldBe(1);

    [Theory]
    [InlineData(400, null, "invalid_request_error", "null")]
    [InlineData(401, null, "invalid_request_error", "\"invalid_api_key\"")]
    [InlineData(404, null, "invalid_request_error", "\"model_not_found\"")]
    [InlineData(409, null, "invalid_request_error", "\"conflict\"")]
    [InlineData(413, null, "invalid_request_error", "\"request_too_large\"")]
    [InlineData(422, "mine", "invalid_request_error", "\"mine\"")]
    [InlineData(429, null, "rate_limit_exceeded", "\"rate_limit_exceeded\"")]
    [InlineData(500, null, "server_error", "null")]
    [InlineData(503, "provider_overloaded", "server_error", "\"provider_overloaded\"")]
    public void The_error_body_is_OpenAIs(int status, string? code, string type, string codeJson)
    {
        var output = new ArrayBufferWriter<byte>();
        ClientProtocols.ChatCompletions.WriteError(new RequestException("Mend it.") { Status = status, Code = code, Param = "n" }, output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe($$$"""{"error":{"message":"Mend it.","type":"{{{type}}}","param":"n","code":{{{codeJson}}} }}""".Replace(" }}", "}}", StringComparison.Ordinal));
    }
}
