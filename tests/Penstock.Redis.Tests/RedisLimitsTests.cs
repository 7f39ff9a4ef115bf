using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Redis.Tests;

/// <summary>Limits that two servers keep together, as processes, under a hundred clients.</summary>
public sealed class RedisLimitsTests : IAsyncLifetime
{
    private const int Clients = 100;
    private const int Input = 4; // of 14 characters
    private const int Output = 40;

    private RedisServer _redis = null!;
    private ScriptedUpstream _upstream = null!;
    private string? _connection;
    private int _running;
    private int _mostRunning;
    private int _awaited; // how many must run at once before one goes on
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _upstream = ScriptedUpstream.Start(async call =>
        {
            var running = Interlocked.Increment(ref _running);
            for (var most = _mostRunning; running > most && Interlocked.CompareExchange(ref _mostRunning, running, most) != most; most = _mostRunning)
            {
            }

            if (running >= _awaited) _all.TrySetResult();
            await _all.Task.WaitAsync(Eventually.Limit);
            await call.Sse([Chat.Role(), .. Enumerable.Repeat(Chat.Text("tok "), Output)]);
            await Task.Delay(50);
            Interlocked.Decrement(ref _running);
            await call.Sse([Chat.Finish(), Chat.Usage(Input, Output), "[DONE]"]);
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Theory]
    [InlineData("RequestsPerMinute", "150", 150, 1)]
    [InlineData("TokensPerMinute", "5000", 5000, Input + Output)]
    [InlineData("BudgetPerDay", "0.05", 50_000, (4 * Input) + (10 * Output))] // in millionths
    public async Task A_hundred_clients_get_all_of_a_limit_and_no_more(string limit, string value, int allowed, int each)
    {
        await using var a = await StartAsync(limit, value);
        await using var b = await StartAsync(limit, value);
        var done = 0;
        await ForEachClientAsync(async i =>
        {
            for (var refusals = 0; refusals < 5;)
            {
                if (await AskAsync(i % 2 == 0 ? a : b))
                {
                    Interlocked.Increment(ref done);
                }
                else
                {
                    refusals++; // what others had reserved may come back
                    await Task.Delay(100);
                }
            }
        });
        TestContext.Current.TestOutputHelper!.WriteLine($"{limit} {allowed}: {done * each} by {done} of {each}");
        (done * each).ShouldBeInRange((int)(allowed * 0.95), allowed);
    }

    [Fact]
    public async Task As_many_answers_run_at_once_as_may_and_no_more()
    {
        await using var a = await StartAsync("Streams", "20");
        await using var b = await StartAsync("Streams", "20");
        _awaited = 20;
        var done = new ConcurrentBag<int>();
        await ForEachClientAsync(async i =>
        {
            for (var got = 0; got < 2;)
            {
                if (await AskAsync(i % 2 == 0 ? a : b)) got++;
                else await Task.Delay(20);
            }

            done.Add(i);
        });
        TestContext.Current.TestOutputHelper!.WriteLine($"Streams 20: at most {_mostRunning}");
        done.Count.ShouldBe(Clients);
        _mostRunning.ShouldBe(20);
    }

    [Fact]
    public async Task What_a_server_that_is_killed_had_running_is_free_again_when_it_has_lapsed()
    {
        _upstream.ReplyTo("held", call => call.Hold());
        await using var a = await StartAsync("Streams", "1");
        await using var b = await StartAsync("Streams", "1");
        await a.Api.StartAsync("up/held");
        (await AskAsync(b)).ShouldBeFalse();
        await a.Kill9();
        (await AskAsync(b)).ShouldBeFalse();
        await a.StartAsync(); // it ends what it had
        await Eventually.Is(() => AskAsync(b), "there is room again");
    }

    private static Task ForEachClientAsync(Func<int, Task> client) => Task.WhenAll(Enumerable.Range(0, Clients).Select(i => Task.Run(() => client(i))));

    private static async Task<bool> AskAsync(PenstockProcess server)
    {
        using var reply = await RawReply.SendAsync(server.Api.Post("v1/chat/completions", new JsonObject
        {
            ["model"] = "up/m",
            ["stream"] = true,
            ["max_tokens"] = Output,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Say something." }),
        })).WaitAsync(Eventually.Limit);
        var text = await reply.TextAsync().WaitAsync(Eventually.Limit);
        if (reply.Status is 429 or 402) return false;
        reply.Status.ShouldBe(200, text);
        text.TrimEnd().ShouldContain("[DONE]");
        return true;
    }

    private Task<PenstockProcess> StartAsync(string limit, string value) => PenstockProcess.StartAsync(PenstockSettings.For(_upstream, "redis")
        .With("Storage:Redis", _connection ??= _redis.NewDatabase())
        .With($"Limits:PerOwner:{limit}", value)
        .With("Limits:Prices:0:Model", "up/*").With("Limits:Prices:0:Input", "4").With("Limits:Prices:0:Output", "10"));
}
