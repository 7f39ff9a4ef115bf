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

    private static GenerationRequest Read(string protocol, string body) => ClientProtocols.Find(protocol)!.ReadRequest(Encoding.UTF8.GetBytes(body));

    private static string Write(GenerationRequest request, string provider)
    {
        var output = new ArrayBufferWriter<byte>();
        ProviderProtocols.New(provider, new Uri("https://up.example/v1/"), version: null).WriteRequest(request, "m", stream: true, output, new DroppedFields());
        using var json = JsonDocument.Parse(output.WrittenMemory, new JsonDocumentOptions { MaxDepth = 300 });
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
