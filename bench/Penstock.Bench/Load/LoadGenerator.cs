using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Bench.Load;

/// <summary>The load: one thread that reads every stream, and checks and times each token.</summary>
sealed class LoadGenerator(LoadOptions options) : IDisposable
{
    static readonly long _second = Stopwatch.Frequency;

    readonly Epoll _epoll = new();
    readonly byte[] _buffer = new byte[256 * 1024];
    readonly byte[] _request = BuildRequest(options);
    readonly SocketAddress _address = new IPEndPoint(IPAddress.Loopback, options.Port).Serialize();
    readonly LoadConnection[] _connections = [.. Enumerable.Range(0, options.Streams).Select(tag => new LoadConnection(tag, options))];
    readonly List<long> _ages = new(1 << 20), _ttfts = new(1 << 12);
    readonly Dictionary<Fault, int> _faults = [];
    int _launched, _started, _completed, _active;
    long _stopAt, _lastEnd, _tokens;
    string? _firstFailure;

    public LoadReport Run()
    {
        var start = Stopwatch.GetTimestamp();
        var deadline = start + (long)(options.Timeout * _second);
        _stopAt = options.Requests > 0 ? long.MaxValue : start + (long)(options.Seconds * _second);
        _lastEnd = start;

        for (var now = start; now < deadline; now = Stopwatch.GetTimestamp())
        {
            while (_launched < _connections.Length && LaunchTime(start) <= now)
                TryBegin(_connections[_launched++]);
            if (_launched == _connections.Length && _active == 0) break;

            var wake = _launched < _connections.Length ? Math.Min(LaunchTime(start), deadline) : deadline;
            var ready = _epoll.Wait(Math.Max(0, wake - now) * (1_000_000_000 / _second));
            for (var i = 0; i < ready; i++)
                OnReady(_connections[_epoll[i].Tag], _epoll[i].Events);
        }

        foreach (var connection in _connections.Where(c => c.IsActive))
            End(connection, Fault.Unfinished);
        return new LoadReport
        {
            Completed = _completed,
            Tokens = _tokens,
            Seconds = (double)(_lastEnd - start) / _second,
            LoadCpuSeconds = Environment.CpuUsage.TotalTime.TotalSeconds,
            TtftP50 = Percentile(_ttfts, 0.5),
            TtftP99 = Percentile(_ttfts, 0.99),
            LatencyP50 = Percentile(_ages, 0.5),
            LatencyP99 = Percentile(_ages, 0.99),
            Faults = _faults,
            FirstFailure = _firstFailure,
        };
    }

    public void Dispose()
    {
        foreach (var connection in _connections) connection.Close();
        _epoll.Dispose();
    }

    long LaunchTime(long start) => start + (long)(options.Ramp * _second * _launched / _connections.Length);

    void TryBegin(LoadConnection connection)
    {
        if ((options.Requests > 0 && _started >= options.Requests) || Stopwatch.GetTimestamp() >= _stopAt) return;
        _started++;
        _active++;
        connection.Begin();
        if (connection.Socket is not null)
        {
            Send(connection);
            return;
        }

        connection.Socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, NoDelay = true };
        if (Epoll.StartConnect(connection.Socket, _address)) _epoll.Add(connection.Socket, connection.Tag, Epoll.Readable | Epoll.Writable);
        else End(connection, Fault.Connection);
    }

    void OnReady(LoadConnection connection, uint events)
    {
        if (connection.Socket is null) return;
        if ((events & Epoll.Writable) != 0 && connection.Sent < _request.Length && connection.IsActive) Send(connection);
        if ((events & (Epoll.Readable | Epoll.Closed)) != 0) Receive(connection);
    }

    void Send(LoadConnection connection)
    {
        if (connection.Sent == 0) connection.SentAt = Stopwatch.GetTimestamp();
        var sent = connection.Socket!.Send(_request.AsSpan(connection.Sent), SocketFlags.None, out var error);
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            End(connection, Fault.Connection);
            return;
        }

        connection.Sent += Math.Max(sent, 0);
        // Once connected the socket is always writable: watching for it would never sleep.
        _epoll.Change(connection.Socket, connection.Tag, connection.Sent < _request.Length ? Epoll.Readable | Epoll.Writable : Epoll.Readable);
    }

    void Receive(LoadConnection connection)
    {
        if (connection.Socket is not { } socket) return;
        var received = socket.Receive(_buffer, SocketFlags.None, out var error);
        var now = Stopwatch.GetTimestamp();
        if (error == SocketError.WouldBlock) return;
        if (error != SocketError.Success || received == 0 || !connection.IsActive)
        {
            if (connection.IsActive) End(connection, Fault.Connection);
            else connection.Close();
            return;
        }

        var bytes = _buffer.AsSpan(0, received);
        var rest = (ReadOnlySpan<byte>)bytes;
        var checker = connection.Checker;
        var before = checker.Tokens;
        while (connection.Reader.TryRead(ref rest, out var body)) checker.Feed(body, now, _ages);
        if (before == 0 && checker.Tokens > 0) _ttfts.Add(now - connection.SentAt);
        _tokens += checker.Tokens - before;

        if (connection.Reader.IsComplete) End(connection, checker.Finish());
        else if (connection.Reader.IsFailed) End(connection, Fault.Connection);
    }

    void End(LoadConnection connection, Fault fault)
    {
        connection.End();
        _active--;
        _lastEnd = Stopwatch.GetTimestamp();
        if (fault == Fault.None)
        {
            _completed++;
        }
        else
        {
            _faults[fault] = _faults.GetValueOrDefault(fault) + 1;
            if (connection.Reader.IsFailed) _firstFailure ??= connection.Reader.Head;
            connection.Close();
            // A server that cannot be reached must not be hammered: this stream gives up.
            if (fault is Fault.Connection or Fault.Unfinished) return;
        }

        TryBegin(connection);
    }

    static double Percentile(List<long> ticks, double share)
    {
        if (ticks.Count == 0) return 0;
        ticks.Sort();
        return ticks[(int)Math.Min(ticks.Count * share, ticks.Count - 1)] * 1e6 / _second;
    }

    static byte[] BuildRequest(LoadOptions options)
    {
        var head = $"Host: 127.0.0.1:{options.Port}\r\nAccept: text/event-stream\r\n";
        return Encoding.UTF8.GetBytes(options.Body is { } body
            ? $"POST {options.Path} HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}"
            : $"GET {options.Path} HTTP/1.1\r\n{head}\r\n");
    }
}
