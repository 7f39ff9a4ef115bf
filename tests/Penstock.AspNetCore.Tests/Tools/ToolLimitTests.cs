using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Penstock.AspNetCore.Tests.Pairs;
using Penstock.Testing;
using Tokens = Penstock.AspNetCore.Tests.Pairs.Tokens;

namespace Penstock.AspNetCore.Tests.Tools;

/// <summary>How far an answer with tools may go: what its provider is asked, and how its client is told that it ends there.</summary>
public sealed class ToolLimitTests : IAsyncLifetime
{
    private static readonly Answer _callsAgain = Calling("get_weather");

    private readonly TestTools _tools = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ConcurrentQueue<JsonNode> _asked = new();
    private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PairHost? _host;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _tools.Open();
        if (_host is not null) await _host.DisposeAsync();
    }

    public static TheoryData<string> Clients => [.. PairData.Protocols];

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task After_so_many_steps_the_answer_ends_as_too_long_and_what_was_called_last_is_not_run(string client)
    {
        await StartAsync(("Tools:MaxSteps", "3"));
        var reply = await AskAsync(client, _callsAgain, times: 9);
        reply.Answer().Stop.ShouldBe("length");
        reply.Answer().Usage.ShouldBe(new Tokens(9, 12));
        _asked.Count.ShouldBe(3);
        _tools.Runs.Count.ShouldBe(2);
        (await LastResultAsync(reply)).ShouldBe("The tool was not run: the answer has come to the limit of its steps.");
    }

    [Fact]
    public async Task Once_the_steps_have_used_so_many_tokens_no_further_one_begins()
    {
        await StartAsync(("Tools:MaxTokens", "14"));
        var reply = await AskAsync("chat-completions", _callsAgain, times: 9); // 7 a step
        reply.Answer().Stop.ShouldBe("length");
        _asked.Count.ShouldBe(2);
        _tools.Runs.Count.ShouldBe(1);
        (await LastResultAsync(reply)).ShouldBe("The tool was not run: the answer has come to the limit of its tokens.");
    }

    [Fact]
    public async Task After_so_long_no_further_step_begins()
    {
        await StartAsync(("Tools:MaxTime", "00:01:00"));
        var asking = AskAsync("chat-completions", Calling("wait_long"), times: 9);
        await Eventually.Is(() => _tools.Inside == 1, "the tool runs");
        _time.Advance(TimeSpan.FromSeconds(59)); // the tool itself may take 60
        _tools.Open();
        await Eventually.Is(() => _asked.Count == 2, "the next step is asked for");
        _time.Advance(TimeSpan.FromSeconds(2));
        _go.SetResult();
        var reply = await asking;
        reply.Answer().Stop.ShouldBe("length");
        _asked.Count.ShouldBe(2);
        _tools.Runs.Count.ShouldBe(1);
        (await LastResultAsync(reply)).ShouldBe("The tool was not run: the answer has come to the limit of its time.");
    }

    [Fact]
    public async Task So_many_run_at_once_and_what_is_more_is_told_to_the_model()
    {
        await StartAsync();
        var calls = Enumerable.Range(0, 66).Select(i => new Call($"call_{i}", "get_weather", $$"""{"city":"C{{i}}"}""")).ToList();
        var reply = await AskAsync("chat-completions", _callsAgain with { Calls = calls }, times: 1);
        reply.Answer().Text.ShouldBe("Done.");
        _tools.Runs.Count.ShouldBe(64);
        Results(_asked.ElementAt(1)).Count(r => r == "The tool was not run: a model may call 64 at once.").ShouldBe(2);
    }

    [Fact]
    public async Task A_result_is_told_to_the_model_up_to_its_limit()
    {
        await StartAsync();
        await AskAsync("chat-completions", Calling("fill_up"), times: 1);
        var result = Results(_asked.ElementAt(1)).ShouldHaveSingleItem();
        result.ShouldBe(new string('x', 65536) + "\n[Cut off here: these are the first 65536 of 100000 characters.]");
    }

    [Fact]
    public async Task A_tool_that_takes_too_long_is_given_up_and_the_model_is_told()
    {
        await StartAsync();
        var asking = AskAsync("chat-completions", Calling("wait_long"), times: 1);
        await Eventually.Is(() => _tools.Inside == 1, "the tool runs");
        _time.Advance(TimeSpan.FromSeconds(60));
        (await asking).Answer().Text.ShouldBe("Done.");
        _tools.Cancelled.ShouldBe(1);
        Results(_asked.ElementAt(1)).ShouldBe(["The tool did not answer within 60 seconds."]);
    }

    private static Answer Calling(string tool) => new() { Calls = [new Call("call_1", tool, """{"city":"Paris"}""")], Stop = "calls", Usage = new Tokens(3, 4) };

    private async Task StartAsync(params (string Key, string Value)[] settings)
    {
        _host = new PairHost
        {
            Settings = settings,
            Services = services =>
            {
                services.AddSingleton<TimeProvider>(_time);
                _tools.AddTo(services);
            },
        };
        await _host.InitializeAsync();
    }

    /// <summary>Asks a model that calls tools so many times, and then is done.</summary>
    private Task<PairReply> AskAsync(string client, Answer calls, int times)
    {
        var wire = ProviderWire.Of("chat-completions");
        var ask = _host!.Prepare(wire, async call =>
        {
            _asked.Enqueue(call.Request!);
            if (_asked.Count == 2 && times > 1 && _tools.Inside > 0) await _go.Task;
            await wire.Script(_asked.Count <= times ? calls : new Answer { Text = "Done.", Usage = new Tokens(3, 4) })(call);
        });
        return _host.AskAsync(ClientWire.Of(client), ask);
    }

    private static IEnumerable<string> Results(JsonNode request) =>
        request["messages"]!.AsArray().Where(m => (string)m!["role"]! == "tool").Select(m => (string)m!["content"]!);

    private async Task<string> LastResultAsync(PairReply reply)
    {
        var snapshot = await _host!.Api.SnapshotAsync(reply.Headers["Penstock-Generation"]);
        ((string)snapshot["finishReason"]!).ShouldBe("length");
        return (string)snapshot["blocks"]!.AsArray()[^1]!["text"]!;
    }
}
