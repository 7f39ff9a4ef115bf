using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;
using Tokens = Penstock.AspNetCore.Tests.Pairs.Tokens;

namespace Penstock.AspNetCore.Tests.Tools;

/// <summary>Tools that the server runs, in every pair of protocols: the model sees them in its provider's words, the client in its own.</summary>
public sealed class ToolPairTests : IAsyncLifetime
{
    private static readonly TestTools _tools = new();

    private readonly PairHost _host = new() { Services = _tools.AddTo };

    public ValueTask InitializeAsync() => _host.InitializeAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task A_tool_runs_between_two_steps_of_one_answer(string client, string provider, string way)
    {
        var (asked, ask) = Prepare(provider, way,
            new Answer { Calls = [new Call("call_1", "get_weather", """{"city":"Paris"}""")], Stop = "calls", Usage = new Tokens(3, 4) },
            new Answer { Text = "It rains.", Usage = new Tokens(10, 2) });
        var reply = await _host.AskAsync(ClientWire.Of(client), ask with { Tools = ["own"] });
        var answer = reply.Answer();
        answer.Text.ShouldBe("It rains.");
        answer.Calls.ShouldBeEmpty();
        answer.Stop.ShouldBe("stop");
        answer.Usage.ShouldBe(new Tokens(13, 6));
        answer.Complete.ShouldBeTrue();
        if (client is "responses" or "messages") answer.ServerCalls.Select(c => c.ToString()).ShouldBe(["""city.get_weather({"city":"Paris"}) = rain in Paris"""]);

        var (first, second) = (asked.ElementAt(0), asked.ElementAt(1));
        asked.Count.ShouldBe(2);
        first.Tools.ShouldBe(["own", "get_weather", "get_time", "fail_plainly", "fail_badly", "fill_up", "wait_long", "wait_again", "never_heed", "send_mail"]);
        second.Tools.ShouldBe(first.Tools);
        var id = CallId(reply); // ours: a provider may count its own anew in each step
        second.Turns.Select(t => t.ToString()).ShouldBe([
            "user: Say something.",
            $$"""assistant: call: {{id}} get_weather({"city":"Paris"})""",
            $"result: {id} rain in Paris",
        ]);
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task What_failed_is_told_to_the_model_in_our_words(string client, string provider, string way)
    {
        var (asked, ask) = Prepare(provider, way,
            new Answer { Calls = [new Call("call_1", "fail_badly", """{"city":"Paris"}""")], Stop = "calls", Usage = new Tokens(3, 4) },
            new Answer { Text = "Sorry.", Usage = new Tokens(10, 2) });
        var reply = await _host.AskAsync(ClientWire.Of(client), ask);
        reply.Answer().Text.ShouldBe("Sorry.");
        reply.Body.ShouldNotContain("hunter2");
        asked.ElementAt(1).ToString().ShouldContain("The tool failed.");
        asked.ElementAt(1).ToString().ShouldNotContain("hunter2");
        if (client is "responses" or "messages") reply.Answer().ServerCalls.ShouldHaveSingleItem().ShouldBe(new ServerCall("city", "fail_badly", """{"city":"Paris"}""", "The tool failed.", IsError: true));
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task The_clients_own_tool_ends_the_turn_though_the_servers_have_run(string client, string provider, string way)
    {
        var (asked, ask) = Prepare(provider, way,
            new Answer
            {
                Calls = [new Call("call_1", "get_weather", """{"city":"Paris"}"""), new Call("call_2", "own", """{"city":"Rome"}""")],
                Stop = "calls",
                Usage = new Tokens(3, 4),
            });
        var reply = await _host.AskAsync(ClientWire.Of(client), ask with { Tools = ["own"] });
        var answer = reply.Answer();
        var call = answer.Calls.ShouldHaveSingleItem();
        (call.Name, Js.Canonical(call.Arguments)).ShouldBe(("own", """{"city":"Rome"}"""));
        answer.Stop.ShouldBe("calls");
        answer.Usage.ShouldBe(new Tokens(3, 4));
        if (client is "responses" or "messages") answer.ServerCalls.ShouldHaveSingleItem().Output.ShouldBe("rain in Paris");
        asked.Count.ShouldBe(1);
    }

    private static string CallId(PairReply reply) => $"call_{reply.Headers["Penstock-Generation"]["gen_".Length..]}_0";

    /// <summary>An ask that is answered step by step, and what the provider was asked in each.</summary>
    private (ConcurrentQueue<Ask> Asked, Ask Ask) Prepare(string provider, string way, params Answer[] steps)
    {
        var wire = ProviderWire.Of(provider);
        var asked = new ConcurrentQueue<Ask>();
        var ask = _host.Prepare(wire, call =>
        {
            asked.Enqueue(wire.ReadRequest(call.Request!));
            return wire.Script(steps[asked.Count - 1])(call);
        });
        return (asked, ask with { Way = way });
    }
}
