using System.Buffers.Text;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Bench.Upstream;

/// <summary>One connection to the scripted upstream: the request that is coming in, the reply that is going out.</summary>
sealed class UpstreamConnection(Socket socket)
{
    byte[] _input = new byte[1024];
    int _inputLength;
    byte[] _tokenStart = [];
    bool _includeUsage;
    int _sent;
    byte[] _unsent = [];
    int _unsentStart, _unsentEnd;

    public Socket Socket { get; } = socket;

    /// <summary>What is being sent; null between replies.</summary>
    public BenchModel? Model { get; private set; }

    /// <summary>When the next token is due, in ticks.</summary>
    public long Due { get; set; }

    /// <summary>Bytes wait for the peer to read.</summary>
    public bool IsBlocked => _unsentStart < _unsentEnd;

    /// <summary>Adds what was received; true when that completes a request.</summary>
    public bool Receive(ReadOnlySpan<byte> bytes, out UpstreamRequest request)
    {
        if (_inputLength + bytes.Length > _input.Length) Array.Resize(ref _input, Math.Max(_input.Length * 2, _inputLength + bytes.Length));
        bytes.CopyTo(_input.AsSpan(_inputLength));
        _inputLength += bytes.Length;
        request = UpstreamRequest.TryRead(_input.AsSpan(0, _inputLength), out var consumed)!;
        if (request is null) return false;
        _input.AsSpan(consumed, _inputLength - consumed).CopyTo(_input);
        _inputLength -= consumed;
        return true;
    }

    /// <summary>Writes the response's head and its first, empty delta.</summary>
    public int WriteStart(Span<byte> output, UpstreamRequest request)
    {
        Model = request.Model!;
        _includeUsage = request.IncludeUsage;
        _sent = 0;
        var start = $$"""
            data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"{{request.Name}}","choices":[{"index":0,"delta":{
            """;
        _tokenStart = Encoding.UTF8.GetBytes(start + "\"content\":\"");
        var length = Copy(output, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"u8);
        return length + WriteChunk(output[length..], Encoding.UTF8.GetBytes(start), "\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"u8);
    }

    /// <summary>Writes the next write's tokens, stamped with <paramref name="now"/>, and the reply's end after the last; 0 when all is said.</summary>
    public int WriteTokens(Span<byte> output, long now)
    {
        var length = 0;
        Span<byte> text = stackalloc byte[64];
        for (var i = 0; i < Model!.Batch && _sent < Model.Tokens; i++, _sent++)
        {
            text[0] = (byte)'#';
            Utf8Formatter.TryFormat(_sent, text[1..], out var digits);
            text[1 + digits] = (byte)'.';
            Utf8Formatter.TryFormat(now, text[(2 + digits)..], out var more);
            var end = 2 + digits + more;
            end += Copy(text[end..], "; \"},\"finish_reason\":null}]}\n\n"u8);
            length += WriteChunk(output[length..], _tokenStart, text[..end]);
        }

        if (_sent < Model.Tokens) return length;
        var start = _tokenStart.AsSpan(0, _tokenStart.Length - "\"content\":\"".Length);
        length += WriteChunk(output[length..], start, "},\"finish_reason\":\"stop\"}]}\n\n"u8);
        if (_includeUsage)
        {
            length += WriteChunk(output[length..], start[..(start.IndexOf("\"choices\""u8))],
                Encoding.ASCII.GetBytes($$$"""
                "choices":[],"usage":{"prompt_tokens":3,"completion_tokens":{{{_sent}}},"total_tokens":{{{_sent + 3}}}}}
                """ + "\n\n"));
        }

        length += WriteChunk(output[length..], "data: [DONE]\n\n"u8, default);
        length += Copy(output[length..], "0\r\n\r\n"u8);
        Model = null;
        return length;
    }

    /// <summary>Sends, and keeps what the peer does not take yet; false when the connection is gone.</summary>
    public bool Send(ReadOnlySpan<byte> bytes)
    {
        var sent = Socket.Send(bytes, SocketFlags.None, out var error);
        if (error is not (SocketError.Success or SocketError.WouldBlock)) return false;
        var rest = bytes[Math.Max(sent, 0)..];
        if (rest.IsEmpty) return true;
        if (_unsent.Length < rest.Length) _unsent = new byte[rest.Length];
        rest.CopyTo(_unsent);
        (_unsentStart, _unsentEnd) = (0, rest.Length);
        return true;
    }

    /// <summary>Sends what was kept; false when the connection is gone.</summary>
    public bool SendRest()
    {
        var sent = Socket.Send(_unsent.AsSpan(_unsentStart.._unsentEnd), SocketFlags.None, out var error);
        _unsentStart += Math.Max(sent, 0);
        return error is SocketError.Success or SocketError.WouldBlock;
    }

    /// <summary>An HTTP chunk that holds one SSE frame. Four digits always, so that the length goes in afterwards.</summary>
    static int WriteChunk(Span<byte> output, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var length = first.Length + second.Length;
        Utf8Formatter.TryFormat((ushort)length, output, out _, new System.Buffers.StandardFormat('x', 4));
        "\r\n"u8.CopyTo(output[4..]);
        first.CopyTo(output[6..]);
        second.CopyTo(output[(6 + first.Length)..]);
        "\r\n"u8.CopyTo(output[(6 + length)..]);
        return length + 8;
    }

    static int Copy(Span<byte> output, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output);
        return bytes.Length;
    }
}
