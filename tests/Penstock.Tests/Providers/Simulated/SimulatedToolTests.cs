using System.Text.Json;
using static Penstock.Tests.Providers.Simulated.SimulatedCall;

namespace Penstock.Tests.Providers.Simulated;

public sealed class SimulatedToolTests
{
    private const string Weather = """
        {"type":"function","function":{"name":"get_weather","parameters":{"type":"object","required":["city","unit","days"],
        "properties":{"city":{"type":"string"},"unit":{"enum":["celsius","fahrenheit"]},"days":{"type":"integer","maximum":7},"note":{"type":"string"}}}}}
        """;

    private const string Time = """{"type":"function","function":{"name":"getTime"}}""";

    private const string Offer = $$"""
        "stream":true,"tools":[{{Time}},{{Weather}}]
        """;

    [Fact]
    public async Task A_tool_that_the_prompt_names_is_called_with_arguments_from_the_prompt()
    {
        var reply = await StreamAsync($"chat?{Fast}", "Please use get_weather for the next 5 days in Paris, fahrenheit.", Offer);
        var call = reply.Calls.ShouldHaveSingleItem();
        call.Name.ShouldBe("get_weather");
        call.Id.ShouldStartWith("call_");
        call.Arguments[0].ShouldBe("");
        call.Arguments.Count.ShouldBeGreaterThan(5);
        string.Concat(call.Arguments).ShouldBe("""{"city":"Paris","unit":"fahrenheit","days":5}""");
        reply.Finish.ShouldBe("tool_calls");
        reply.Done.ShouldBeTrue();
        reply.Text.ShouldBeEmpty();
        reply.Deltas[0].GetProperty("role").GetString().ShouldBe("assistant");
        reply.Deltas[0].GetProperty("content").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Theory]
    [InlineData("get weather")]
    [InlineData("Get-Weather")]
    [InlineData("getWeather()")]
    public async Task A_name_is_known_however_it_is_spelt(string name) =>
        (await StreamAsync($"chat?{Fast}", $"Call {name} now", Offer)).Calls.Count.ShouldBe(1);

    [Fact]
    public async Task Several_named_tools_are_called_in_the_order_of_the_prompt()
    {
        var calls = (await StreamAsync($"chat?{Fast}", "get_weather, and getTime", Offer)).Calls;
        calls.Select(c => c.Name).ShouldBe(["get_weather", "getTime"]);
        calls.Select(c => c.Id).Distinct().Count().ShouldBe(2);
        string.Concat(calls[1].Arguments).ShouldBe("{}");
    }

    [Fact]
    public async Task What_is_to_be_called_then_is_called_in_the_next_step()
    {
        const string Prompt = "Call get_weather, then getTime.";
        const string Called = """,{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"rain"}""";
        static string After(string called) => $$"""{{Offer}},"messages":[{"role":"user","content":"{{Prompt}}"}{{called}}]""";
        (await StreamAsync($"chat?{Fast}", Prompt, Offer)).Calls.Select(c => c.Name).ShouldBe(["get_weather"]);
        (await StreamAsync($"chat?{Fast}", more: After(Called))).Calls.Select(c => c.Name).ShouldBe(["getTime"]);
        (await StreamAsync($"chat?{Fast}", more: After(Called + Called))).Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_tool_that_is_not_named_is_not_called() =>
        (await StreamAsync($"chat?{Fast}", "How is the weather?", Offer)).Calls.ShouldBeEmpty();

    [Theory]
    [InlineData("\"none\"", "get_weather", "")]
    [InlineData("\"required\"", "hello", "getTime")]
    [InlineData("\"auto\"", "hello", "")]
    [InlineData("{\"type\":\"function\",\"function\":{\"name\":\"get_weather\"}}", "hello", "get_weather")]
    public async Task Tool_choice_is_honoured(string choice, string prompt, string expected)
    {
        var calls = (await StreamAsync($"chat?{Fast}", prompt, $"{Offer},\"tool_choice\":{choice}")).Calls;
        string.Join(',', calls.Select(c => c.Name)).ShouldBe(expected);
    }

    [Fact]
    public async Task A_tool_result_is_answered_in_text_that_uses_it()
    {
        var reply = await StreamAsync($"chat?{Fast}", more: Offer + """
            ,"messages":[{"role":"user","content":"get_weather in Paris?"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"21 degrees, clear"}]
            """);
        reply.Calls.ShouldBeEmpty();
        reply.Text.ShouldContain("`get_weather` says: 21 degrees, clear");
        reply.Finish.ShouldBe("stop");
    }

    [Fact]
    public async Task A_reasoner_thinks_before_it_calls()
    {
        var reply = await StreamAsync($"reasoner?{Fast}", "get_weather", Offer);
        reply.Reasoning.ShouldNotBeEmpty();
        reply.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Arguments_follow_nested_schemas_and_references()
    {
        const string schema = """
            {"type":"object","$defs":{"leg":{"type":"object","properties":{"to":{"type":"string","maxLength":3},"next":{"$ref":"#/$defs/leg"}}}},
            "properties":{"legs":{"type":"array","items":{"$ref":"#/$defs/leg"}},"when":{"type":"string","format":"date"},"price":{"type":["number","null"],"minimum":10},
            "class":{"anyOf":[{"const":"second"},{"const":"first"}]},"quiet":{"type":"boolean"},"seat":{"default":7}}}
            """;
        var reply = await StreamAsync($"chat?{Fast}", "book it", $$$"""
            "stream":true,"tools":[{"type":"function","function":{"name":"book","parameters":{{{schema}}} } }]
            """);
        var arguments = JsonElement.Parse(string.Concat(reply.Calls.ShouldHaveSingleItem().Arguments));
        arguments.GetProperty("legs")[0].GetProperty("to").GetString()!.Length.ShouldBeLessThanOrEqualTo(3);
        arguments.GetProperty("when").GetString().ShouldBe("2026-01-15");
        arguments.GetProperty("price").GetDecimal().ShouldBe(10);
        arguments.GetProperty("class").GetString().ShouldBe("second");
        arguments.GetProperty("quiet").GetBoolean().ShouldBeTrue();
        arguments.GetProperty("seat").GetInt32().ShouldBe(7);
    }

    [Fact]
    public async Task Without_stream_calls_stand_whole_in_the_message()
    {
        var document = await DocumentAsync($"chat?{Fast}", "get_weather in Paris", Offer.Replace("\"stream\":true,", "", StringComparison.Ordinal));
        var choice = document.GetProperty("choices")[0];
        choice.GetProperty("finish_reason").GetString().ShouldBe("tool_calls");
        choice.GetProperty("message").GetProperty("content").ValueKind.ShouldBe(JsonValueKind.Null);
        var function = choice.GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function");
        JsonElement.Parse(function.GetProperty("arguments").GetString()!).GetProperty("city").GetString().ShouldBe("Paris");
    }
}
