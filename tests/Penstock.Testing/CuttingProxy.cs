using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Penstock.Testing;

/// <summary>
/// A TCP relay before a server that breaks connections, for clients that cannot be told to break their own. It cuts a reply
/// after some number of bytes from the server, and lets all pass once its cuts are used up. It can also be told to cut what is open
/// or has been so for some time, to refuse what is new, to hold back what the server says, or let it drip, and to lose what a Redis publishes.
/// </summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Uri _server;
    private readonly Queue<int> _cuts;
    private readonly ConcurrentDictionary<Socket, bool> _open = new();
    private volatile TaskCompletionSource? _held;
    private int _cutCount;

    public CuttingProxy(Uri server, params int[] cutAfterBytes)
    {
        _server = server;
        _cuts = new(cutAfterBytes);
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _ = AcceptAsync();
    }

    public Uri Url { get; }

    /// <summary>How many connections were cut.</summary>
    public int Cuts => Volatile.Read(ref _cutCount);

    /// <summary>New connections are cut at once.</summary>
    public bool IsDown { get; set; }

    /// <summary>What the server says stays here until this is false again.</summary>
    public bool HoldsReplies
    {
        set
        {
            _held?.TrySetResult();
            _held = value ? new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) : null;
        }
    }

    /// <summary>While true, what a Redis says on connections that subscribe is lost, and nobody is told.</summary>
    public bool LosesPublished { get; set; }

    /// <summary>How many pieces of what was published were lost.</summary>
    public int Lost { get; private set; }

    /// <summary>A connection is cut when it is so old.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>A stream's bytes are held back until there are so many, or the reply ends.</summary>
    public int BufferBytes { get; init; }

    /// <summary>At most so many bytes of a reply pass at a time, each 20 milliseconds.</summary>
    public int? DripBytes { get; init; }

    /// <summary>Cuts all connections that are open; new ones pass.</summary>
    public void CutAll()
    {
        foreach (var socket in _open.Keys) Reset(socket);
    }

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        CutAll();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = RelayAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        if (IsDown)
        {
            Reset(client);
            return;
        }

        _open[client] = _open[server] = true;
        try
        {
            await server.ConnectAsync(_server.Host, _server.Port);
            int limit;
            lock (_cuts) limit = _cuts.TryDequeue(out var cut) ? cut : int.MaxValue;
            using var age = MaxAge is { } maxAge ? new Timer(_ => Cut(client), null, maxAge, Timeout.InfiniteTimeSpan) : null;
            var connection = new Connection();
            var up = CopyAsync(client, server, int.MaxValue, connection, isReply: false);
            if (!await CopyAsync(server, client, limit, connection, isReply: true)) Cut(client);
            await up;
            client.Close();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            client.Close();
        }
        finally
        {
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
        }
    }

    private void Cut(Socket client)
    {
        Interlocked.Increment(ref _cutCount);
        Reset(client);
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }

        try
        {
            socket.Close();
        }
        catch (SocketException)
        {
            // Its own relay closes it at this moment.
        }
    }

    /// <returns>False when it stopped at the limit.</returns>
    private async Task<bool> CopyAsync(Socket from, Socket to, int limit, Connection connection, bool isReply)
    {
        var buffer = new byte[16 * 1024];
        var most = isReply && DripBytes is { } drip ? drip : buffer.Length;
        var back = isReply && BufferBytes > 0 ? new HoldBack(BufferBytes) : null;
        while (limit > 0)
        {
            var count = await from.ReceiveAsync(buffer.AsMemory(0, Math.Min(limit, most)));
            if (isReply && _held is { } held) await held.Task;
            if (!isReply) connection.Subscribes |= buffer.AsSpan(0, count).IndexOf("SUBSCRIBE\r\n"u8) >= 0;
            else if (LosesPublished && connection.Subscribes && count > 0)
            {
                Lost++;
                continue;
            }

            if (most < buffer.Length) await Task.Delay(20);
            var ready = buffer.AsMemory(0, count);
            if (back is not null) ready = back.Take(ready.Span, isEnd: count == 0);
            while (!ready.IsEmpty) ready = ready[await to.SendAsync(ready)..];
            if (count == 0)
            {
                to.Shutdown(SocketShutdown.Send);
                return true;
            }

            if (limit != int.MaxValue) limit -= count;
        }

        return false;
    }

    private sealed class Connection
    {
        public volatile bool Subscribes;
    }

    /// <summary>Keeps the bytes of a stream until there are enough, or its reply has ended.</summary>
    private sealed class HoldBack(int enough)
    {
        private readonly List<byte> _bytes = [];
        private bool _isStream;

        /// <returns>What may pass now.</returns>
        public Memory<byte> Take(ReadOnlySpan<byte> bytes, bool isEnd)
        {
            _bytes.AddRange(bytes);
            var all = CollectionsMarshal.AsSpan(_bytes);
            if (all.IndexOf("text/event-stream"u8) >= 0) _isStream = true;
            if (all.EndsWith("0\r\n\r\n"u8)) isEnd = true; // of a chunked body
            if (_isStream && !isEnd && all.Length < enough) return default;
            if (isEnd) _isStream = false;
            var ready = _bytes.ToArray();
            _bytes.Clear();
            return ready;
        }
    }
}
