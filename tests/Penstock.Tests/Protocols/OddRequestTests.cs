using System.Buffers;
using System.Text;
using System.Text.Json;
using Penstock.Generations;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols;

/// <summary>Requests that are odd and yet JSON: taken, or refused with a 400, but never a fault of ours.</summary>
public sealed class OddRequestTests
{
    private const string Id = "gen_0123456789abcdef0123456789abcdef";

    private static readonly string _deep = new string('[', 100) + new string(']', 100);

    [Theory]
    [InlineData("chat-completions", """{"messages":[{"role":"user","content":"Hi"}],"temperature":1e999}""", "temperature")]
    [InlineData("responses", """{"input":"Hi","top_p":-1e999}""", "top_p")]
    [InlineData("messages", """{"max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"temperature":1e999}""", "temperature")]
    [InlineData("gemini", """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"generationConfig":{"topP":1e999}}""", "generationConfig.topP")]
    public void A_number_beyond_all_range_is_refused(string protocol, string body, string param)
    {
        var error = Should.Throw<RequestException>(() => Read(protocol, body));
        error.Status.ShouldBe(400);
        error.Param.ShouldBe(param);
    }

    [Theory]
    [InlineData("chat-completions", """{"messages":[{"role":"user","content":"Hi"}],"\ud800":1}""")]
    [InlineData("chat-completions", """{"messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"x\uDFFF":{}}}}]}""")]
    [InlineData("responses", """{"input":"Hi","metadata":{"\ud800":"x"}}""")]
    [InlineData("messages", """{"max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"\ud800":1}""")]
    [InlineData("gemini", """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"\ud800":1}""")]
    public void A_name_with_half_a_surrogate_pair_is_refused(string protocol, string body)
    {
        var error = Should.Throw<RequestException>(() => Read(protocol, body));
        error.Status.ShouldBe(400);
        error.Message.ShouldContain("surrogate");
        Read(protocol, body.Replace("\\ud800", "\\ud83d\\ude00", StringComparison.Ordinal).Replace("\\uDFFF", "\\uD83D\\uDE00", StringComparison.Ordinal)); // a whole one is fine
    }

    [Fact]
    public void A_schema_with_half_a_surrogate_pair_in_its_words_reaches_every_provider()
    {
        const string Schema = """{"type":"object","description":"cut \ud83d","properties":{"a":{"type":"\ud83d","description":"\ud83d"}}}""";
        var request = Read("chat-completions",
            $$$"""{"messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{{{Schema}}}}},"tools":[{"type":"function","function":{"name":"f","parameters":{"description":"\ud83d"}} }]}""");
        foreach (var name in ProviderProtocols.Names) Write(request, name).ShouldContain("\\ud83d", Case.Sensitive, name);
        var native = Read("gemini", """{"contents":[{"role":"user","parts":[{"text":"Hi"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","maxLength":"\ud83d"}}]}]}""");
        foreach (var name in ProviderProtocols.Names) Write(native, name).ShouldContain("\\ud83d", Case.Sensitive, name);
    }

    [Fact]
    public void What_a_response_repeats_of_its_request_survives_the_store_whatever_it_holds()
    {
        var request = Read("responses", $$$"""{"input":"Hi","instructions":"cut \ud83d","metadata":{"a":"\ud83d"},"tools":[{"type":"function","name":"f","parameters":{"enum":{{{_deep}}}}}]}""");
        var metadata = new GenerationMetadata("responses", Stream: true, IncludeUsage: false, Choices: 1, "m", "up/m") { Echo = request.Echo };
        var stored = GenerationMetadata.Read(metadata.ToBytes()).ToRequest();
        Encoding.UTF8.GetString(stored.Echo.Span).ShouldBe(Encoding.UTF8.GetString(request.Echo.Span));

        var output = new ArrayBufferWriter<byte>();
        var writer = ClientProtocols.Responses.NewEventWriter(stored, Id, default);
        writer.WritePayload([], """{"type":"response.created","sequence_number":0,"response":{"id":"r","previous_response_id":null,"background":false}}"""u8, new EventId(Id, 0), output);
        Frame.All(output.WrittenSpan).Count.ShouldBe(1);
    }

    [Fact]
    public void A_conversation_goes_on_from_what_is_nested_deeply()
    {
        var body = Encoding.UTF8.GetBytes($$$"""{"previous_response_id":"resp_1","input":[{"type":"function_call_output","call_id":"c","output":"x","y":{{{_deep}}}}]}""");
        var earlier = Encoding.UTF8.GetBytes($$$"""{"input":[{"role":"user","content":"Hi","y":{{{_deep}}}}]}""");
        var response = Encoding.UTF8.GetBytes($$$"""{"output":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}","y":{{{_deep}}}}]}""");
        var joined = Penstock.Protocols.Responses.ResponsesConversation.Join(body, [earlier, Penstock.Protocols.Responses.ResponsesConversation.OutputOf(response)]);
        Penstock.Protocols.Responses.ResponsesConversation.ListInput(joined, "resp_1").Count.ShouldBe(3);
        Write(Read("responses", Encoding.UTF8.GetString(joined)), "responses").ShouldContain(_deep);
        Penstock.Protocols.Responses.ResponsesReferences.ItemsOf(Encoding.UTF8.GetBytes($$$"""{"output":[{"id":"fc_1","y":{{{_deep}}}}]}""")).ShouldHaveSingleItem();
    }

    [Fact]
    public void Only_so_many_dropped_fields_are_named_as_fit_into_a_header()
    {
        var dropped = new DroppedFields();
        for (var i = 0; i < 100_000; i++) dropped.Drop($"messages[{i}].content[0].cache_control");
        dropped.Drop(new string('x', 5000));
        dropped.Names.Count.ShouldBeInRange(50, 100);
        dropped.Names.Sum(n => n.Length).ShouldBeLessThan(4097);
    }

    [Fact(Timeout = 30_000)]
    public async Task Very_many_items_of_one_turn_are_read_in_time()
    {
        await Task.Yield();
        const string Call = """{"type":"function_call","call_id":"c","name":"f","arguments":""},""";
        var body = "{\"input\":[" + string.Concat(Enumerable.Repeat(Call, 300_000)).TrimEnd(',') + "]}";
        Read("responses", body).Messages.ShouldHaveSingleItem().Parts.Count.ShouldBe(300_000);
    }

    [Theory(Timeout = 30_000)]
    [InlineData("""{"role":"model","parts":[{"text":"a"}]}""")]
    [InlineData("""{"role":"model","parts":[{"text":"a","thought":true}]}""")]
    public async Task An_answer_in_very_many_pieces_is_put_together_in_time(string piece)
    {
        await Task.Yield();
        const int Pieces = 200_000;
        var parts = Read("gemini", "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"}]}," + string.Join(',', Enumerable.Repeat(piece, Pieces)) + "]}").Messages[1].Parts;
        (parts.ShouldHaveSingleItem() switch { TextPart text => text.Text, ReasoningPart thought => thought.Text, _ => "" }).ShouldBe(new string('a', Pieces));
    }

    [Fact(Timeout = 30_000)]
    public async Task The_results_of_very_many_calls_find_them_in_time()
    {
        await Task.Yield();
        const int Calls = 100_000;
        static string Repeat(string part) => string.Join(',', Enumerable.Repeat(part, Calls));
        var calls = Repeat("""{"functionCall":{"name":"f"}}""");
        var results = Repeat("""{"functionResponse":{"name":"f","response":{}}}""");
        var body = $$"""{"contents":[{"role":"model","parts":[{{calls}}]},{"parts":[{{results}}]}]}""";
        var messages = Read("gemini", body).Messages;
        messages[1].Parts.Cast<ToolResultPart>().Select(r => r.Id).ShouldBe(messages[0].Parts.Cast<ToolCallPart>().Select(c => c.Id));
    }

    private static GenerationRequest Read(string protocol, string body) => ClientProtocols.Find(protocol)!.ReadRequest(Encoding.UTF8.GetBytes(body));

    private static string Write(GenerationRequest request, string provider)
    {
        var output = new ArrayBufferWriter<byte>();
        ProviderProtocols.New(provider, new Uri("https://up.example/v1/"), version: null).WriteRequest(request, "m", stream: true, output, new DroppedFields());
        using var json = JsonDocument.Parse(output.WrittenMemory, new JsonDocumentOptions { MaxDepth = 300 });
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
