using Penstock.Protocols;

namespace Penstock.Tests.Protocols;

public sealed class ClientProtocolsTests
{
    [Theory] // These names are in logs on disk: they must be found for ever.
    [InlineData("native")]
    [InlineData("chat-completions")]
    [InlineData("text-query")]
    [InlineData("text-chat")]
    [InlineData("text-ask")]
    [InlineData("text-stream")]
    public void A_protocol_is_found_by_the_name_in_the_log(string name) => ClientProtocols.Find(name)!.Name.ShouldBe(name);

    [Fact]
    public void An_unknown_name_finds_nothing() => ClientProtocols.Find("telex").ShouldBeNull();
}
