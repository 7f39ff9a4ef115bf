using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Testing;

/// <summary>One connection to a <see cref="ScriptedUpstream"/>: reads requests one after another and notices the peer's closing.</summary>
internal sealed class UpstreamConnection(Socket socket) : IAsyncDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private byte[] _pending = [];
    private Task<int>? _read;

    /// <summary>The next request, or null when the peer has closed.</summary>
    public async Task<UpstreamCall?> ReadRequestAsync()
    {
        int head;
        while ((head = _pending.AsSpan().IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await FillAsync()) return null;
        }

        var lines = Encoding.Latin1.GetString(_pending, 0, head).Split("\r\n");
        var headers = lines.Skip(1).Select(l => l.Split(':', 2))
            .ToDictionary(p => p[0].Trim(), p => p[1].Trim(), StringComparer.OrdinalIgnoreCase);
        _pending = _pending[(head + 4)..];
        byte[] body = [];
        if (headers.TryGetValue("Content-Length", out var length)) body = await TakeAsync(int.Parse(length, CultureInfo.InvariantCulture));
        else if (headers.ContainsKey("Transfer-Encoding")) body = await TakeChunksAsync();

        var first = lines[0].Split(' ');
        _read = ReceiveAsync();
        return new UpstreamCall(socket, first[0], first[1], headers, body, PeerClosedAsync());
    }

    /// <summary>Sends what is left and closes: .NET resets a socket that is disposed while a read is pending.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
            if (_read is not null) await _read;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer was faster, or the script has closed it.
        }

        socket.Dispose();
    }

    private async Task<byte[]> TakeChunksAsync()
    {
        var body = new MemoryStream();
        while (true)
        {
            int end;
            while ((end = _pending.AsSpan().IndexOf("\r\n"u8)) < 0) await FillOrThrowAsync();
            var size = int.Parse(Encoding.ASCII.GetString(_pending, 0, end), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            _pending = _pending[(end + 2)..];
            var chunk = await TakeAsync(size + 2);
            if (size == 0) return body.ToArray();
            body.Write(chunk, 0, size);
        }
    }

    private async Task<byte[]> TakeAsync(int count)
    {
        while (_pending.Length < count) await FillOrThrowAsync();
        var taken = _pending[..count];
        _pending = _pending[count..];
        return taken;
    }

    private async Task FillOrThrowAsync()
    {
        if (!await FillAsync()) throw new IOException("The peer closed inside its request.");
    }

    private async Task<bool> FillAsync()
    {
        var count = await (_read ?? ReceiveAsync());
        _read = null;
        if (count <= 0) return false;
        _pending = [.. _pending, .. _buffer.AsSpan(0, count)];
        return true;
    }

    /// <summary>One read is always pending while a script plays: its end is how a peer's closing shows.</summary>
    private async Task<int> ReceiveAsync()
    {
        try
        {
            return await socket.ReceiveAsync(_buffer);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return -1;
        }
    }

    private async Task PeerClosedAsync()
    {
        if (await _read! > 0) await Task.Delay(Timeout.Infinite);
    }
}
