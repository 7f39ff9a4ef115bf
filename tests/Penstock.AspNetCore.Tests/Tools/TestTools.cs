using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Generations.Tools;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Tools;

/// <summary>Tools that do what tests need, and note how often they ran.</summary>
internal sealed class TestTools
{
    public const string Schema = """{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""";

    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inside;
    private int _done;
    private int _cancelled;

    /// <summary>The runs so far, each as <c>name city</c>.</summary>
    public ConcurrentQueue<string> Runs { get; } = new();

    /// <summary>The models whose requests are all offered them; none for all.</summary>
    public string[] Models { get; init; } = [];

    /// <summary>How many were given up.</summary>
    public int Cancelled => Volatile.Read(ref _cancelled);

    /// <summary>How many have begun to wait.</summary>
    public int Inside => Volatile.Read(ref _inside);

    /// <summary>How many have ended well.</summary>
    public int Done => Volatile.Read(ref _done);

    /// <summary>Lets the tools go on that wait.</summary>
    public void Open() => _open.TrySetResult();

    public void AddTo(IServiceCollection services)
    {
        Add("get_weather", (city, _) => ValueTask.FromResult(new ToolOutput($"rain in {city}")));
        Add("get_time", (city, _) => ValueTask.FromResult(new ToolOutput($"noon in {city}")));
        Add("fail_plainly", (_, _) => throw new ToolException("There is no such city."));
        Add("fail_badly", (_, _) => throw new InvalidOperationException("password=hunter2 at db.internal"));
        Add("fill_up", (_, _) => ValueTask.FromResult(new ToolOutput(new string('x', 100_000))));
        Add("wait_long", WaitAsync);
        Add("wait_again", WaitAsync, idempotent: true);
        Add("never_heed", async (_, _) =>
        {
            await _open.Task;
            return new ToolOutput("late");
        }, timeout: TimeSpan.FromMilliseconds(50));
        Add("send_mail", (city, _) => ValueTask.FromResult(new ToolOutput($"sent to {city}")), approval: true);

        async ValueTask<ToolOutput> WaitAsync(string city, CancellationToken stop)
        {
            Interlocked.Increment(ref _inside);
            try
            {
                await _open.Task.WaitAsync(stop);
                return new ToolOutput($"{city} at last");
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref _cancelled);
                throw;
            }
        }

        void Add(string name, Func<string, CancellationToken, ValueTask<ToolOutput>> run, TimeSpan? timeout = null, bool approval = false, bool idempotent = false)
        {
            async ValueTask<ToolOutput> Run(System.Text.Json.JsonElement arguments, CancellationToken stop)
            {
                var city = arguments.TryGetProperty("city", out var value) ? value.GetString()! : "";
                Runs.Enqueue($"{name} {city}");
                var output = await run(city, stop);
                Interlocked.Increment(ref _done);
                return output;
            }

            services.AddPenstockTool(new ServerTool(name, Run)
            {
                Description = "For tests.",
                Parameters = System.Text.Encoding.UTF8.GetBytes(Schema),
                Server = "city",
                Timeout = timeout ?? TimeSpan.FromMinutes(1),
                NeedsApproval = approval,
                IsIdempotent = idempotent,
            }, Models);
        }
    }
}
