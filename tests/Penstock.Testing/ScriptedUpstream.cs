using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Penstock.Testing;

/// <summary>What a scripted upstream does with one request. When it returns, an unfinished reply is ended properly.</summary>
public delegate Task UpstreamScript(UpstreamCall call);

/// <summary>
/// A provider that does exactly what a test says, byte by byte: an HTTP/1.1 server on plain sockets, so that replies can be
/// split anywhere, held open, cut short or reset, and the closing of each connection by the peer can be waited for.
/// </summary>
public sealed class ScriptedUpstream : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<UpstreamScript> _next = new();
    private readonly ConcurrentDictionary<string, UpstreamScript> _byModel = new();
    private readonly Channel<UpstreamCall> _arrivals = Channel.CreateUnbounded<UpstreamCall>();
    private readonly ConcurrentQueue<UpstreamCall> _calls = new();
    private readonly ConcurrentDictionary<Socket, byte> _sockets = new();
    private UpstreamScript _always = call => call.Json(500, """{"error":{"message":"no script"}}""");

    private ScriptedUpstream()
    {
        _listener.Start(backlog: 4096);
        BaseUrl = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1";
        _ = AcceptAsync();
    }

    public string BaseUrl { get; }

    /// <summary>Every request so far, in the order they came.</summary>
    public IReadOnlyCollection<UpstreamCall> Calls => _calls;

    /// <summary>Connections that neither side has closed.</summary>
    public int OpenConnections => _sockets.Count;

    public static ScriptedUpstream Start(UpstreamScript? always = null)
    {
        var upstream = new ScriptedUpstream();
        if (always is not null) upstream._always = always;
        return upstream;
    }

    /// <summary>Plays the script for the next request that has no other; scripts queue up.</summary>
    public ScriptedUpstream Reply(UpstreamScript script)
    {
        _next.Enqueue(script);
        return this;
    }

    /// <summary>Plays the script for every request for this model.</summary>
    public ScriptedUpstream ReplyTo(string model, UpstreamScript script)
    {
        _byModel[model] = script;
        return this;
    }

    /// <summary>The next request that was not taken yet, waiting for it to come.</summary>
    public async Task<UpstreamCall> NextCallAsync() => await _arrivals.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Limit);

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var socket in _sockets.Keys) socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            socket.NoDelay = true;
            _sockets[socket] = 0;
            _ = Task.Run(() => ServeAsync(socket));
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var connection = new UpstreamConnection(socket);
        try
        {
            while (await connection.ReadRequestAsync() is { } call)
            {
                _calls.Enqueue(call);
                _arrivals.Writer.TryWrite(call);
                await ScriptFor(call)(call);
                if (!await call.FinishAsync()) return;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The peer went away in the middle of a script: what UpstreamCall.Closed is for.
        }
        finally
        {
            _sockets.TryRemove(socket, out _);
        }
    }

    private UpstreamScript ScriptFor(UpstreamCall call) =>
        _byModel.TryGetValue(call.Model, out var script) || _next.TryDequeue(out script) ? script : _always;
}
