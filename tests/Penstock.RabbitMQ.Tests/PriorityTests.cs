using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Jobs;
using Penstock.Testing;

namespace Penstock.RabbitMQ.Tests;

/// <summary>A key's priority decides whose generation a worker takes first.</summary>
public sealed class PriorityTests(Broker broker)
{
    [Fact]
    public async Task What_a_key_of_high_priority_asks_for_runs_before_what_waits_longer()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var cluster = new Cluster(broker, async call =>
        {
            if (call.Prompt == "first-1") await release.Task;
            await Tokens.ByPrompt()(call);
        });
        var keys = ((string[])["low", "normal", "high"]).Select((priority, i) => new Key($"00000000000{i}", priority)).ToArray();
        var gateway = await cluster.StartAsync("gateway", [.. keys.SelectMany(k => k.Settings)]);
        var worker = await cluster.StartAsync("worker", [.. keys.SelectMany(k => k.Settings), ("Generations:MaxRunning", "1")]);

        async Task<string> AskAsync(Key key, string prompt) =>
            (string)(await Api.SendAsync(gateway.Api.Native("up/m", prompt).With("x-api-key", key.Text))).Body!["id"]!;
        await AskAsync(keys[0], "first-1");
        await cluster.Upstream.NextCallAsync(); // the worker is busy with it
        List<string> ids = [];
        foreach (var key in keys) ids.Add(await AskAsync(key, $"{key.Priority}-1"));
        var queue = (RabbitMqJobQueue)worker.Services.GetRequiredService<IJobQueue>();
        await Eventually.Is(() => queue.Held == 3, "all wait at the worker");
        release.SetResult();
        await Eventually.Is(() => cluster.Upstream.Calls.Count == 4, "all have run");
        cluster.Upstream.Calls.Select(c => c.Prompt).ShouldBe(["first-1", "high-1", "normal-1", "low-1"]);
    }

    private sealed record Key(string Id, string Priority)
    {
        public string Text => $"pk_{Id}_{new string('0', 64)}";

        public IEnumerable<(string, string)> Settings =>
        [
            ($"Auth:Keys:{Id}:Hash", Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Text)))),
            ($"Auth:Keys:{Id}:Priority", Priority),
        ];
    }
}
