using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Penstock.Bench.Runner;

namespace Penstock.Bench.Streams;

/// <summary>The load on Durable Streams: one thread, and a connection for each producer and follower.</summary>
sealed class StreamsLoad(int port) : IDisposable
{
    /// <summary>How long a server is made warm, so that its hot paths are compiled.</summary>
    const double WarmUpSeconds = 4;

    /// <summary>A timestamp is written with so many.</summary>
    const int ClockDigits = 19;

    const string Text = "Content-Type: text/plain\r\n";

    readonly Epoll _epoll = new();
    readonly byte[] _buffer = new byte[1 << 20];
    readonly List<StreamConnection> _connections = [];
    readonly string _run = Guid.NewGuid().ToString("n")[..8];

    /// <summary>Producers that each append to a stream of their own, one append at a time.</summary>
    public StreamsFigures Append(int producers, double seconds)
    {
        for (var i = 0; i < producers; i++)
        {
            Create(Connect(), $"append-{i}", Text);
            _epoll.Add(_connections[i].Socket, i, Epoll.Readable);
        }

        var body = Encoding.ASCII.GetBytes(new string('x', 100));
        var sequences = new int[producers];
        for (var i = 0; i < producers; i++) Send(i);
        long start = Stopwatch.GetTimestamp(), measured = start + Ticks(seconds / 4), end = start + Ticks(seconds);
        long count = 0, now;
        while ((now = Stopwatch.GetTimestamp()) < end)
        {
            var ready = _epoll.Wait(100_000_000);
            for (var i = 0; i < ready; i++)
            {
                var producer = _epoll[i].Tag;
                _connections[producer].ReadReply(_buffer);
                if (now >= measured) count++;
                Send(producer);
            }
        }

        return new StreamsFigures { PerSecond = count / Stopwatch.GetElapsedTime(measured, now).TotalSeconds };

        void Send(int producer)
        {
            var sequence = sequences[producer]++.ToString(CultureInfo.InvariantCulture);
            _connections[producer].Send(StreamConnection.Request("POST", Path($"append-{producer}"), body, $"{Text}Producer-Id: p{producer}\r\nProducer-Epoch: 0\r\nProducer-Seq: {sequence}\r\n"));
        }
    }

    /// <summary>
    /// Followers of one stream, and how long each message takes from its append's write to each follower's read. The servers have
    /// turns of a second or some, so that what the machine does hits all alike.
    /// </summary>
    /// <returns>For each server what each turn gave.</returns>
    public static StreamsFigures[][] Deliver(IReadOnlyList<StreamsLoad> servers, int followers, double interval, int messages, int turns)
    {
        var brisk = Math.Min(interval, Math.Max(1, followers / 40.0));
        foreach (var server in servers)
        {
            server.Join(followers);
            server.Deliver(followers, brisk, (int)(WarmUpSeconds * 1000 / brisk));
        }

        var figures = servers.Select(_ => new StreamsFigures[turns]).ToArray();
        for (var turn = 0; turn < turns; turn++)
        {
            for (var i = 0; i < servers.Count; i++) figures[i][turn] = servers[i].Deliver(followers, interval, messages);
        }

        return figures;
    }

    /// <summary>The first connection writes, the others follow. A server ends them after a minute: by then all must be over.</summary>
    void Join(int followers)
    {
        Create(Connect(), "deliver", Text);
        _epoll.Add(_connections[0].Socket, 0, Epoll.Readable);
        for (var i = 1; i <= followers; i++)
        {
            var follower = Connect();
            follower.Send(StreamConnection.Request("GET", Path("deliver") + "?offset=-1&live=sse", headers: "Accept: text/event-stream\r\n"));
            _epoll.Add(follower.Socket, i, Epoll.Readable);
        }

        Pump(Stopwatch.GetTimestamp() + Ticks(1), []); // all have joined by then
    }

    StreamsFigures Deliver(int followers, double interval, int messages)
    {
        var ages = new List<long>(followers * messages);
        var (expected, start) = ((long)messages * followers, Stopwatch.GetTimestamp());
        // All but the time of its write is there before: what the load takes to make a message is no part of what a server takes.
        var request = StreamConnection.Request("POST", Path("deliver"), Encoding.ASCII.GetBytes($"#{new string('0', ClockDigits)};{new string('x', 40)}"), Text);
        var clock = request.AsMemory(Array.IndexOf(request, (byte)'#') + 1, ClockDigits);
        for (var message = 0; message < messages; message++)
        {
            // On time, whether or not the one before has come everywhere: who falls behind is not waited for.
            Pump(start + Ticks(interval * message / 1000), ages);
            Utf8Formatter.TryFormat(Stopwatch.GetTimestamp(), clock.Span, out _, new StandardFormat('D', ClockDigits));
            _connections[0].Send(request);
        }

        for (var wait = 0; ages.Count < expected; wait++)
        {
            if (wait > 300) throw new InvalidOperationException($"{expected - ages.Count} messages did not come.");
            Pump(Stopwatch.GetTimestamp() + Ticks(0.1), ages);
        }

        ages.Sort();
        return new StreamsFigures { P50 = At(0.5), P99 = At(0.99), Count = ages.Count };

        double At(double share) => ages[(int)Math.Min(ages.Count * share, ages.Count - 1)] * 1e6 / Stopwatch.Frequency;
    }

    /// <summary>Reads of a stream from its beginning to its end, in bytes a second; the median of some.</summary>
    public StreamsFigures CatchUp(int megabytes, bool json)
    {
        var connection = Connect();
        Create(connection, "catch-up", json ? "Content-Type: application/json\r\n" : "Content-Type: application/octet-stream\r\n");
        var body = json ? Encoding.ASCII.GetBytes($"[{string.Join(',', Enumerable.Repeat($"\"{new string('x', 1022)}\"", 1024))}]") : new byte[1 << 20];
        for (var i = 0; i < megabytes; i++)
        {
            connection.Send(StreamConnection.Request("POST", Path("catch-up"), body, json ? "Content-Type: application/json\r\n" : "Content-Type: application/octet-stream\r\n"));
            connection.ReadReply(_buffer);
        }

        var rates = new List<double>();
        for (var round = 0; round < 7; round++)
        {
            var start = Stopwatch.GetTimestamp();
            long length = 0;
            for (var offset = "-1"; ;)
            {
                connection.Send(StreamConnection.Request("GET", $"{Path("catch-up")}?offset={offset}"));
                var (head, read) = connection.ReadReply(_buffer);
                length += read;
                offset = StreamConnection.Header(head, "Stream-Next-Offset")!;
                if (StreamConnection.Header(head, "Stream-Up-To-Date") == "true") break;
            }

            if (length < (long)megabytes << 20) throw new InvalidOperationException($"Only {length} bytes came.");
            if (round > 1) rates.Add(length / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return new StreamsFigures { PerSecond = Median.Of(rates) };
    }

    public void Dispose()
    {
        foreach (var connection in _connections) connection.Dispose();
        _epoll.Dispose();
    }

    // Reads what comes until a time. It polls: the waking of the load is no part of what a server takes.
    void Pump(long end, List<long> ages)
    {
        while (true)
        {
            if (Stopwatch.GetTimestamp() >= end) return;
            var ready = _epoll.Wait(0);
            for (var i = 0; i < ready; i++)
            {
                var connection = _connections[_epoll[i].Tag];
                if (_epoll[i].Tag > 0)
                {
                    Read(connection, ages);
                    continue;
                }

                do
                {
                    connection.ReadReply(_buffer);
                }
                while (connection.HasMore);
            }
        }
    }

    void Read(StreamConnection follower, List<long> ages)
    {
        var kept = follower.TakeUnread(_buffer);
        var received = follower.Receive(_buffer.AsSpan(kept));
        var now = Stopwatch.GetTimestamp();
        var bytes = _buffer.AsSpan(0, kept + received);
        for (int at; (at = bytes.IndexOf((byte)'#')) >= 0;)
        {
            bytes = bytes[at..];
            if (!Utf8Parser.TryParse(bytes[1..], out long sent, out var length) || length + 1 == bytes.Length)
            {
                follower.KeepUnread(bytes); // it was cut in the number
                return;
            }

            bytes = bytes[(length + 1)..];
            ages.Add(now - sent);
        }
    }

    StreamConnection Connect()
    {
        _connections.Add(new StreamConnection(port));
        return _connections[^1];
    }

    void Create(StreamConnection connection, string name, string type)
    {
        connection.Send(StreamConnection.Request("PUT", Path(name), headers: type));
        connection.ReadReply(_buffer);
    }

    string Path(string name) => $"/v1/stream/{_run}/{name}";

    static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);
}

/// <summary>What a load measured; times in microseconds.</summary>
sealed record StreamsFigures
{
    public double PerSecond { get; init; }
    public double P50 { get; init; }
    public double P99 { get; init; }
    public long Count { get; init; }
}

[JsonSerializable(typeof(StreamsFigures[][]))]
sealed partial class StreamsJson : JsonSerializerContext;
