using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Penstock.Testing;

/// <summary>One request at a <see cref="ScriptedUpstream"/>, and the means to answer it, well or badly.</summary>
public sealed class UpstreamCall
{
    private readonly Socket _socket;
    private bool _begun;
    private bool _chunked;
    private bool _ended;
    private bool _gone;

    internal UpstreamCall(Socket socket, string method, string path, IReadOnlyDictionary<string, string> headers, byte[] body, Task closed)
    {
        (_socket, Method, Path, Headers, Body, Closed) = (socket, method, path, headers, body, closed);
        Request = body.Length == 0 ? null : JsonNode.Parse(body);
        Model = (string?)Request?["model"] ?? "";
    }

    public string Method { get; }

    public string Path { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    public byte[] Body { get; }

    /// <summary>The body as JSON, or null when it was empty.</summary>
    public JsonNode? Request { get; }

    /// <summary>The model that the request asks for, or an empty string.</summary>
    public string Model { get; }

    /// <summary>The number that the next event gets, in protocols that number theirs.</summary>
    public int Sequence { get; set; }

    /// <summary>Whether the request asks for a stream.</summary>
    public bool Streams => (bool?)Request?["stream"] ?? false;

    /// <summary>The text of the last message.</summary>
    public string Prompt => Request!["messages"]!.AsArray()[^1]!["content"] switch
    {
        JsonArray parts => string.Concat(parts.Select(p => (string?)p!["text"])),
        var text => (string)text!,
    };

    /// <summary>Completes when the peer closes the connection or resets it. Never completes if the peer goes on using it.</summary>
    public Task Closed { get; }

    /// <summary>Sends status and headers. A body that is not chunked ends where the connection does.</summary>
    public async Task Head(int status = 200, string contentType = "text/event-stream", bool chunked = true, params (string Name, string Value)[] headers)
    {
        _begun = true;
        _chunked = chunked;
        var head = new StringBuilder($"HTTP/1.1 {status} Scripted\r\nContent-Type: {contentType}\r\n");
        foreach (var (name, value) in headers) head.Append(name).Append(": ").Append(value).Append("\r\n");
        head.Append(chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Connection: close\r\n\r\n");
        await Raw(Encoding.Latin1.GetBytes(head.ToString()));
    }

    /// <summary>Sends body bytes at once, as one chunk; status 200 and headers before, if they were not sent yet.</summary>
    public async Task Write(ReadOnlyMemory<byte> bytes)
    {
        if (!_begun) await Head();
        if (!_chunked) await Raw(bytes);
        else if (bytes.Length > 0) await Raw((byte[])[.. Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"), .. bytes.Span, .. "\r\n"u8]);
    }

    public Task Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends one frame.</summary>
    public Task Sse(string data) => Write($"data: {data}\n\n");

    /// <summary>Sends several frames in one piece.</summary>
    public Task Sse(IEnumerable<string> data) => Write(string.Concat(data.Select(d => $"data: {d}\n\n")));

    /// <summary>Sends <c>data: [DONE]</c>.</summary>
    public Task Done() => Sse("[DONE]");

    /// <summary>Sends bytes on the socket, without any framing.</summary>
    public async Task Raw(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[await _socket.SendAsync(bytes)..];
    }

    /// <summary>Answers with one JSON document.</summary>
    public async Task Json(int status, string json, params (string Name, string Value)[] headers)
    {
        await Head(status, "application/json", true, headers);
        await Write(json);
    }

    /// <summary>Ends the body as HTTP says; the script's return does it too.</summary>
    public async Task End()
    {
        if (_ended) return;
        _ended = true;
        if (_chunked) await Raw("0\r\n\r\n"u8.ToArray());
    }

    /// <summary>Closes the connection without ending the body.</summary>
    public void Close()
    {
        _gone = true;
        _socket.Shutdown(SocketShutdown.Both);
        _socket.Close();
    }

    /// <summary>Resets the connection.</summary>
    public void Reset()
    {
        _gone = true;
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    /// <summary>Says nothing more until the peer gives up.</summary>
    public Task Hold() => Closed;

    /// <summary>Ends what the script left open. Returns whether the connection takes another request.</summary>
    internal async Task<bool> FinishAsync()
    {
        if (_gone) return false;
        if (!_begun) await Head();
        await End();
        return _chunked;
    }
}
