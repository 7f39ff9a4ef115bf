using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Testing;

/// <summary>A request as a test writes it.</summary>
public sealed record RawRequest(Uri Url, string Method = "GET", string? Body = null)
{
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>What stands in the request line, as it is; the URL's own path, tidied, if this is null.</summary>
    public string? Target { get; init; }

    public RawRequest With(string name, string value) => this with { Headers = [.. Headers, (name, value)] };

    public static RawRequest Post(Uri url, string json) => new RawRequest(url, "POST", json).With("Content-Type", "application/json");
}

/// <summary>
/// A reply read from a plain socket: what HttpClient hides is seen here, such as whether the body was ended as HTTP says,
/// and the connection can be cut at any byte.
/// </summary>
public sealed class RawReply : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private ReadOnlyMemory<byte> _unread;
    private long _left; // of the chunk or of the body
    private bool _chunked;
    private bool _untilClose;
    private bool _firstChunk = true;

    private RawReply(Socket socket) => _socket = socket;

    public int Status { get; private set; }

    /// <summary>Header values by name; values of repeated headers are joined with commas.</summary>
    public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The body was ended as HTTP says, not by a closed connection.</summary>
    public bool Ended { get; private set; }

    /// <summary>The other side has cut the connection off, whatever of it has not been read.</summary>
    public bool IsReset => _socket.Poll(0, SelectMode.SelectError);

    /// <summary>Sends the request and returns once the reply's headers are there.</summary>
    /// <param name="request">What to send.</param>
    /// <param name="receiveBuffer">The socket's receive buffer in bytes, to play a reader that stalls; 0 for the system's.</param>
    public static async Task<RawReply> SendAsync(RawRequest request, int receiveBuffer = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer > 0) socket.ReceiveBufferSize = receiveBuffer;
        var reply = new RawReply(socket);
        try
        {
            await socket.ConnectAsync(request.Url.Host, request.Url.Port);
            var body = Encoding.UTF8.GetBytes(request.Body ?? "");
            var head = new StringBuilder($"{request.Method} {request.Target ?? request.Url.PathAndQuery} HTTP/1.1\r\nHost: {request.Url.Authority}\r\n");
            foreach (var (name, value) in request.Headers) head.Append(name).Append(": ").Append(value).Append("\r\n");
            if (request.Body is not null) head.Append("Content-Length: ").Append(body.Length).Append("\r\n");
            byte[] bytes = [.. Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), .. body];
            for (var sent = 0; sent < bytes.Length;) sent += await socket.SendAsync(bytes.AsMemory(sent));
            await reply.ReadHeadAsync();
            return reply;
        }
        catch
        {
            reply.Dispose();
            throw;
        }
    }

    /// <summary>Reads body bytes; 0 at the body's end. A connection that closes before it is an <see cref="IOException"/>.</summary>
    public async Task<int> ReadAsync(Memory<byte> into)
    {
        if (Ended) return 0;
        if (_chunked && _left == 0)
        {
            if (!_firstChunk) await ReadLineAsync();
            _firstChunk = false;
            var size = await ReadLineAsync();
            _left = long.Parse(size.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (_left == 0) await ReadLineAsync();
        }

        if (_left == 0 && !_untilClose)
        {
            Ended = true;
            return 0;
        }

        if (_unread.IsEmpty && !await FillAsync())
        {
            if (!_untilClose) throw new IOException("The connection closed inside the body.");
            Ended = true;
            return 0;
        }

        var count = (int)Math.Min(Math.Min(_unread.Length, into.Length), _untilClose ? int.MaxValue : _left);
        _unread[..count].CopyTo(into);
        _unread = _unread[count..];
        if (!_untilClose) _left -= count;
        return count;
    }

    /// <summary>Reads the rest of the body as text.</summary>
    public async Task<string> TextAsync()
    {
        var body = new MemoryStream();
        var buffer = new byte[8192];
        int count;
        while ((count = await ReadAsync(buffer).WaitAsync(Eventually.Limit)) > 0) body.Write(buffer, 0, count);
        return Encoding.UTF8.GetString(body.GetBuffer(), 0, (int)body.Length);
    }

    /// <summary>Reads the rest of a body that the server cuts instead of ending it, as text.</summary>
    /// <exception cref="InvalidOperationException">The body was ended as HTTP says.</exception>
    public async Task<string> TextToCutAsync()
    {
        var body = new MemoryStream();
        var buffer = new byte[8192];
        try
        {
            int count;
            while ((count = await ReadAsync(buffer).WaitAsync(Eventually.Limit)) > 0) body.Write(buffer, 0, count);
        }
        catch (IOException)
        {
            return Encoding.UTF8.GetString(body.GetBuffer(), 0, (int)body.Length);
        }

        throw new InvalidOperationException("The body was ended properly, not cut.");
    }

    /// <summary>Breaks the connection off, with a reset if so wished.</summary>
    public void Cut(bool reset = false)
    {
        try
        {
            if (reset) _socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is cut already.
        }

        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();

    private async Task ReadHeadAsync()
    {
        var status = await ReadLineAsync();
        Status = int.Parse(status.Split(' ')[1], CultureInfo.InvariantCulture);
        for (string line; (line = await ReadLineAsync()).Length > 0;)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = (line[..colon], line[(colon + 1)..].Trim());
            Headers[name] = Headers.TryGetValue(name, out var before) ? $"{before}, {value}" : value;
        }

        _chunked = Headers.TryGetValue("Transfer-Encoding", out var coding) && coding.Contains("chunked", StringComparison.Ordinal);
        if (_chunked || Status is 204 or 304) return;
        if (Headers.TryGetValue("Content-Length", out var length)) _left = long.Parse(length, CultureInfo.InvariantCulture);
        else _untilClose = true;
    }

    private async Task<string> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_unread.IsEmpty && !await FillAsync()) throw new IOException("The connection closed inside a line.");
            var end = _unread.Span.IndexOf((byte)'\n');
            line.Append(Encoding.Latin1.GetString(_unread.Span[..(end < 0 ? _unread.Length : end)]));
            _unread = end < 0 ? default : _unread[(end + 1)..];
            if (end >= 0) return line.ToString().TrimEnd('\r');
        }
    }

    private async Task<bool> FillAsync()
    {
        try
        {
            var count = await _socket.ReceiveAsync(_buffer);
            _unread = _buffer.AsMemory(0, count);
            return count > 0;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException("The connection broke.", e);
        }
    }
}
