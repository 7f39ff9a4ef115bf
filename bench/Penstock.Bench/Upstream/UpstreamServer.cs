using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Penstock.Bench.Upstream;

/// <summary>A scripted provider of each protocol: one thread, every token stamped with the time of its write.</summary>
sealed class UpstreamServer : IDisposable
{
    const int ListenerTag = -1, StandardInputTag = -2;
    static readonly long _millisecond = Stopwatch.Frequency / 1000;

    readonly Epoll _epoll = new();
    readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
    readonly List<UpstreamConnection?> _connections = [];
    readonly Stack<int> _freeTags = new();
    readonly PriorityQueue<int, long> _due = new();
    readonly byte[] _buffer = new byte[64 * 1024];
    readonly Queue<int> _unpaced = new();

    /// <summary>Serves until standard input ends, so that it never outlives whoever started it.</summary>
    public void Run(int port)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(8192);
        _epoll.Add(_listener, ListenerTag, Epoll.Readable);
        _epoll.Add(0, StandardInputTag, Epoll.Readable);
        Console.WriteLine(((IPEndPoint)_listener.LocalEndPoint!).Port);

        while (true)
        {
            var ready = _epoll.Wait(NextWait());
            for (var i = 0; i < ready; i++)
            {
                var (tag, events) = _epoll[i];
                if (tag == StandardInputTag) return;
                if (tag == ListenerTag) Accept();
                else OnReady(tag, events);
            }

            var now = Stopwatch.GetTimestamp();
            while (_due.TryPeek(out var tag, out var due) && due <= now)
            {
                _due.Dequeue();
                // A stream that has gone leaves its entry behind; the connection's own time tells.
                if (_connections[tag] is { Model: not null } connection && connection.Due == due) Advance(tag, connection);
            }

            // One write each in turn, so that no stream starves another.
            for (var turns = _unpaced.Count; turns > 0; turns--)
            {
                var tag = _unpaced.Dequeue();
                if (_connections[tag] is { Model: not null, IsBlocked: false } connection) Advance(tag, connection);
            }
        }
    }

    public void Dispose()
    {
        foreach (var connection in _connections) connection?.Socket.Dispose();
        _listener.Dispose();
        _epoll.Dispose();
    }

    long NextWait()
    {
        if (_unpaced.Count > 0) return 0;
        return _due.TryPeek(out _, out var due)
            ? Math.Max(0, due - Stopwatch.GetTimestamp()) * (1_000_000_000 / Stopwatch.Frequency)
            : -1;
    }

    void Accept()
    {
        var socket = _listener.Accept(); // one an event: there is one, or epoll would not say so
        socket.Blocking = false;
        socket.NoDelay = true;
        if (!_freeTags.TryPop(out var tag))
        {
            tag = _connections.Count;
            _connections.Add(null);
        }

        _connections[tag] = new UpstreamConnection(socket);
        _epoll.Add(socket, tag, Epoll.Readable);
    }

    void OnReady(int tag, uint events)
    {
        if (_connections[tag] is not { } connection) return;
        if ((events & Epoll.Writable) != 0 && connection.IsBlocked)
        {
            if (!connection.SendRest())
            {
                Close(tag, connection);
                return;
            }

            if (!connection.IsBlocked)
            {
                _epoll.Change(connection.Socket, tag, Epoll.Readable);
                if (connection.Model is not null) Schedule(tag, connection);
            }
        }

        if ((events & (Epoll.Readable | Epoll.Closed)) != 0) Receive(tag, connection);
    }

    void Receive(int tag, UpstreamConnection connection)
    {
        var received = connection.Socket.Receive(_buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock) return;
        if (error != SocketError.Success || received == 0)
        {
            Close(tag, connection);
            return;
        }

        if (!connection.Receive(_buffer.AsSpan(0, received), out var request)) return;
        if (request.Model is null)
        {
            connection.Send("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 46\r\n\r\n{\"error\":{\"message\":\"not one of the bench's\"}}"u8);
            return;
        }

        var now = Stopwatch.GetTimestamp();
        var length = connection.WriteStart(_buffer, request);
        connection.Due = now + request.Model.Delay * _millisecond;
        if (request.Model.Delay == 0)
        {
            length += connection.WriteTokens(_buffer.AsSpan(length), now);
            connection.Due += request.Model.Interval * _millisecond;
        }

        Send(tag, connection, length);
    }

    void Advance(int tag, UpstreamConnection connection)
    {
        connection.Due += connection.Model!.Interval * _millisecond;
        Send(tag, connection, connection.WriteTokens(_buffer, Stopwatch.GetTimestamp()));
    }

    void Send(int tag, UpstreamConnection connection, int length)
    {
        if (!connection.Send(_buffer.AsSpan(0, length)))
        {
            Close(tag, connection);
            return;
        }

        if (connection.IsBlocked) _epoll.Change(connection.Socket, tag, Epoll.Readable | Epoll.Writable);
        else if (connection.Model is not null) Schedule(tag, connection);
    }

    void Schedule(int tag, UpstreamConnection connection)
    {
        if (connection.Model!.Interval == 0 && connection.Due <= Stopwatch.GetTimestamp()) _unpaced.Enqueue(tag);
        else _due.Enqueue(tag, connection.Due);
    }

    void Close(int tag, UpstreamConnection connection)
    {
        connection.Socket.Dispose();
        _connections[tag] = null;
        _freeTags.Push(tag);
    }
}
