using System.Buffers.Text;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Bench.Upstream;

/// <summary>One connection to the scripted upstream: the request that is coming in, the reply that is going out.</summary>
sealed class UpstreamConnection(Socket socket)
{
    byte[] _input = new byte[1024];
    int _inputLength;
    readonly StringBuilder _text = new();
    byte[] _beforeToken = [], _afterToken = [];
    byte[]? _afterNumber;
    UpstreamRequest? _request;
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

    /// <summary>Writes the response's head and what comes before the first token.</summary>
    public int WriteStart(Span<byte> output, UpstreamRequest request)
    {
        Model = request.Model!;
        _request = request;
        _sent = 0;
        _text.Clear();
        var wire = request.Wire!;
        _beforeToken = Encoding.UTF8.GetBytes(wire.BeforeToken(request.Name));
        _afterNumber = wire.AfterNumber is { } after ? Encoding.UTF8.GetBytes(after) : null;
        _afterToken = Encoding.UTF8.GetBytes("; " + wire.AfterToken(request.Name));
        var length = Copy(output, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"u8);
        return length + WriteChunk(output[length..], wire.Start(request.Name));
    }

    /// <summary>Writes the next write's tokens, stamped with <paramref name="now"/>, and the reply's end after the last; 0 when all is said.</summary>
    public int WriteTokens(Span<byte> output, long now)
    {
        var length = 0;
        for (var i = 0; i < Model!.Batch && _sent < Model.Tokens; i++, _sent++) length += WriteToken(output[length..], now);
        if (_sent < Model.Tokens) return length;
        length += WriteChunk(output[length..], _request!.Wire!.End(_request.Name, _sent, _text.ToString(), _request.IncludeUsage));
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

    int WriteToken(Span<byte> output, long now)
    {
        const int ChunkHead = 6;
        var length = ChunkHead + Copy(output[ChunkHead..], _beforeToken);
        if (_afterNumber is not null)
        {
            length += Number(output[length..], _request!.Wire!.FirstNumber + _sent);
            length += Copy(output[length..], _afterNumber);
        }

        var text = length;
        output[length++] = (byte)'#';
        length += Number(output[length..], _sent);
        output[length++] = (byte)'.';
        length += Number(output[length..], now);
        if (_afterNumber is not null) _text.Append(Encoding.ASCII.GetString(output[text..length])).Append("; "); // said again at the end
        length += Copy(output[length..], _afterToken);
        return EndChunk(output, length);
    }

    static int Number(Span<byte> output, long number)
    {
        Utf8Formatter.TryFormat(number, output, out var digits);
        return digits;
    }

    static int WriteChunk(Span<byte> output, string frames) =>
        frames.Length == 0 ? 0 : EndChunk(output, 6 + Encoding.UTF8.GetBytes(frames, output[6..])); // an empty chunk would be the last

    /// <summary>Puts the frame around an HTTP chunk whose bytes stand behind its head. Four digits always, so that the length goes in afterwards.</summary>
    static int EndChunk(Span<byte> output, int length)
    {
        Utf8Formatter.TryFormat((ushort)(length - 6), output, out _, new System.Buffers.StandardFormat('x', 4));
        "\r\n"u8.CopyTo(output[4..]);
        "\r\n"u8.CopyTo(output[length..]);
        return length + 2;
    }

    static int Copy(Span<byte> output, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output);
        return bytes.Length;
    }
}
