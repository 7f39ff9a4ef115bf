using System.Text.Json;
using Penstock.Protocols;
using Penstock.Providers.Simulated;
using static Penstock.Tests.Providers.Simulated.SimulatedCall;

namespace Penstock.Tests.Providers.Simulated;

public sealed class SimulatedModelTests
{
    [Fact]
    public void A_name_alone_has_the_defaults()
    {
        var chat = SimulatedModel.Parse("chat");
        (chat.Name, chat.TimeToFirstToken, chat.TokensPerSecond, chat.Reason, chat.Tokens).ShouldBe(("chat", TimeSpan.FromMilliseconds(300), 50, false, null));
        SimulatedModel.Parse("reasoner").Reason.ShouldBeTrue();
        SimulatedModel.Parse("reasoner?reason=0").Reason.ShouldBeFalse();
        SimulatedModel.Names.ShouldBe(["chat", "reasoner"]);
    }

    [Fact]
    public void Knobs_join()
    {
        var model = SimulatedModel.Parse("chat?cut=40&seed=7&tps=12.5");
        (model.Cut, model.Seed, model.TokensPerSecond, model.Reset).ShouldBe((40, 7, 12.5, null));
    }

    [Theory]
    [InlineData("colour=red", "'colour'")]
    [InlineData("cut=", "'cut'")]
    [InlineData("cut", "'cut'")]
    [InlineData("cut=-1", "'cut'")]
    [InlineData("cut=99999999999", "'cut'")]
    [InlineData("tps=fast", "'tps'")]
    [InlineData("tps=-1", "'tps'")]
    [InlineData("tps=NaN", "'tps'")]
    [InlineData("tokens=0", "'tokens'")]
    [InlineData("status=200", "'status'")]
    [InlineData("nodone=yes", "'nodone'")]
    [InlineData("giant=99000000", "'giant'")]
    [InlineData("cut=40&Seed=7", "'Seed'")]
    public async Task A_knob_that_is_unknown_or_wrong_is_named_in_a_400(string knobs, string named)
    {
        Should.Throw<RequestException>(() => SimulatedModel.Parse($"chat?{knobs}")).Status.ShouldBe(400);
        using var response = await SendAsync(Body($"chat?{knobs}"));
        ((int)response.StatusCode).ShouldBe(400);
        var error = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");
        error.GetProperty("message").GetString()!.ShouldContain(named);
        error.GetProperty("param").GetString().ShouldBe("model");
    }

    [Theory]
    [InlineData("""{"model":"gpt-5","messages":[]}""", 404)]
    [InlineData("""{"model":"chat"}""", 400)]
    [InlineData("""{"model":"chat","messages":[{"role":"user","content":"\ud83d"}]}""", 400)]
    [InlineData("[]", 400)]
    [InlineData("not json", 400)]
    public async Task A_request_that_cannot_be_taken_is_refused(string body, int status)
    {
        using var response = await SendAsync(body);
        ((int)response.StatusCode).ShouldBe(status);
        JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("type").GetString().ShouldBe("invalid_request_error");
    }

    [Fact]
    public async Task Another_path_is_not_found()
    {
        using var client = new HttpMessageInvoker(new SimulatedHandler(TimeProvider.System));
        using var response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "http://simulated/models"), default);
        ((int)response.StatusCode).ShouldBe(404);
    }

    [Fact]
    public async Task Odd_members_do_no_harm() // a provider meets what clients send
    {
        using var response = await SendAsync("""
            {"model":"chat?tps=0&ttft=0","stream":true,"n":0,"max_tokens":"x","stream_options":null,"tools":[1,{"function":{}},{"function":{"name":"f","parameters":7}}],
             "tool_choice":5,"messages":[1,{"role":"user","content":[2,{"text":3},"f"]},{"role":"assistant","tool_calls":[3]},{"role":"tool","content":null}]}
            """);
        ((int)response.StatusCode).ShouldBe(200);
        (await response.Content.ReadAsStringAsync()).ShouldEndWith("data: [DONE]\n\n");
    }
}
