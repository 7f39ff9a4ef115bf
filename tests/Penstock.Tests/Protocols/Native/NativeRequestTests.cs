using System.Buffers;
using System.Text;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols.Native;

public sealed class NativeRequestTests
{
    [Theory]
    [InlineData("detach")]
    [InlineData("cancel")]
    [InlineData("grace")]
    [InlineData("grace 30")]
    [InlineData("grace 86400")]
    public void Disconnect_policies_are_taken(string policy)
    {
        var request = Read($$"""{"prompt":"Hi","background":true,"onDisconnect":"{{policy}}"}""");
        request.OnDisconnect.ShouldBe(policy);
        request.Background.ShouldBeTrue();
        request.Messages[0].Text.ShouldBe("Hi");
        request.Protocol.ShouldBe("native");
    }

    [Theory]
    [InlineData("""{"prompt":"Hi","background":"yes"}""", "background")]
    [InlineData("""{"prompt":"Hi","onDisconnect":5}""", "onDisconnect")]
    [InlineData("""{"background":true}""", "messages")]
    public void A_wrong_field_is_named(string body, string param)
    {
        var error = Should.Throw<RequestException>(() => Read(body));
        error.Param.ShouldBe(param);
        error.Status.ShouldBe(400);
    }

    [Fact]
    public void The_error_body_names_the_code_the_mend_and_the_field()
    {
        var output = new ArrayBufferWriter<byte>();
        ClientProtocols.Native.WriteError(new RequestException("Say \"please\".") { Code = "invalid_value", Param = "prompt" }, output);
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe("""{"error":{"code":"invalid_value","message":"Say \"please\".","param":"prompt"}}""");
    }

    private static GenerationRequest Read(string body) => ClientProtocols.Native.ReadRequest(Encoding.UTF8.GetBytes(body));
}
