using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Penstock.Server.Tests.Chaos;

/// <summary>
/// What is done to a <see cref="ChaosNet"/>: the same for the same seed, one fault after another, every kind as often as every other.
/// The long form is two of these at a time, so that one fault meets another's repair.
/// </summary>
internal sealed class ChaosScript
{
    private readonly ChaosNet _net;
    private readonly Random _random;
    private readonly bool _isLong;
    private readonly ChaosRecord _record;
    private readonly List<Func<Task>> _faults = [];

    /// <param name="net">Who suffers.</param>
    /// <param name="record">Where it is noted.</param>
    /// <param name="seed">Where everything random is from.</param>
    /// <param name="isLong">Whether some faults outlast heartbeats and patience.</param>
    /// <param name="withEngines">Whether Redis and RabbitMQ are among those that suffer.</param>
    public ChaosScript(ChaosNet net, ChaosRecord record, int seed, bool isLong, bool withEngines)
    {
        (_net, _record, _random, _isLong) = (net, record, new Random(seed), isLong);
        foreach (var node in net.Nodes)
        {
            _faults.Add(() => InTurnAsync(node, () => KillAsync(node.Name, node.Process.Kill9, () => StartAsync(node))));
            _faults.Add(() => InTurnAsync(node, () => FreezeAsync(node.Name, node.Process.Freeze, node.Process.Thaw, longest: 25)));
        }

        for (var i = 0; i < 2; i++) _faults.AddRange([CutAsync, PartAsync, HoldAsync]);
        if (!withEngines) return;
        _faults.Add(() => KillAsync("Redis", net.Redis.Kill9, net.Redis.StartAsync));
        _faults.Add(() => FreezeAsync("Redis", net.Redis.Freeze, net.Redis.Thaw, longest: 12));
        _faults.Add(() => KillAsync("RabbitMQ", net.Rabbit.Kill9, net.Rabbit.RestartAsync));
        _faults.Add(() => FreezeAsync("RabbitMQ", net.Rabbit.Freeze, net.Rabbit.Thaw, longest: 25));
    }

    /// <summary>How many faults there are in one round.</summary>
    public int Round => _faults.Count;

    /// <summary>How many there were.</summary>
    public int Done { get; private set; }

    /// <summary>Does one thing after another, whole rounds, for as long as it is told to; and mends each before the next.</summary>
    public async Task RunAsync(Func<bool> goesOn)
    {
        while (goesOn())
        {
            var round = _faults.ToArray();
            _random.Shuffle(round);
            foreach (var fault in round)
            {
                if (!goesOn()) break;
                await PauseAsync(0.1, 1);
                await fault();
                Done++;
            }
        }
    }

    // Nobody freezes what another script is starting.
    private static async Task InTurnAsync(Node node, Func<Task> fault)
    {
        await node.Turn.WaitAsync();
        try
        {
            await fault();
        }
        finally
        {
            node.Turn.Release();
        }
    }

    private async Task KillAsync(string who, Func<Task> kill, Func<Task> start)
    {
        Say("kill -9", who);
        await kill();
        await PauseAsync(0, 1.5);
        await start();
        Note($"{who} is up again");
    }

    // As a supervisor does: a node whose Redis is away at its start gives up.
    private static async Task StartAsync(Node node)
    {
        while (true)
        {
            try
            {
                await node.Process.StartAsync();
                return;
            }
            catch (InvalidOperationException)
            {
                // It exited.
            }
        }
    }

    private async Task FreezeAsync(string who, Action freeze, Action thaw, double longest)
    {
        Say("freezes", who);
        freeze();
        await (_isLong && _random.Next(3) == 0 ? PauseAsync(longest / 2, longest) : PauseAsync(0.3, 3));
        thaw();
        Note($"{who} thaws");
    }

    private Task CutAsync()
    {
        var way = AnyWay();
        Say("cuts", way.Name);
        way.Relay.CutAll();
        return Task.CompletedTask;
    }

    private async Task PartAsync()
    {
        var way = AnyWay();
        Say("partitions", way.Name);
        way.Relay.IsDown = true;
        way.Relay.CutAll();
        await PauseAsync(0.5, _isLong ? 10 : 3);
        way.Relay.IsDown = false;
        Note($"{way.Name} is open again");
    }

    private async Task HoldAsync()
    {
        var way = AnyWay();
        Say("silences", way.Name);
        way.Relay.HoldsReplies = true;
        await PauseAsync(0.5, _isLong ? 12 : 3);
        way.Relay.HoldsReplies = false;
        Note($"{way.Name} is heard again");
    }

    private Way AnyWay()
    {
        var ways = _net.Ways.ToList();
        return ways[_random.Next(ways.Count)];
    }

    private Task PauseAsync(double least, double most) => Task.Delay(TimeSpan.FromSeconds(least + (_random.NextDouble() * (most - least))));

    private void Say(string what, string whom)
    {
        _record.Count(what);
        Note($"{what}: {whom}");
    }

    private void Note(string what) => _record.Note(what);
}

/// <summary>What was done to a net, when, and how often.</summary>
internal sealed class ChaosRecord
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);

    public string Lines => string.Join('\n', _lines);

    public string Counts => string.Join(", ", _counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Value} {c.Key}"));

    public void Count(string what) => _counts.AddOrUpdate(what, 1, (_, n) => n + 1);

    public void Note(string what) => _lines.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds,7:0.0} {what}"));
}
