using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Penstock.Bench.Streams;

/// <summary>One HTTP/1.1 connection of the streams' load, with as little between the socket and the figures as can be.</summary>
sealed unsafe partial class StreamConnection : IDisposable
{
    readonly int _port;
    readonly int _descriptor;
    byte[] _unread = [];

    public StreamConnection(int port)
    {
        _port = port;
        Socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Socket.Connect(IPAddress.Loopback, port);
        _descriptor = (int)Socket.Handle;
    }

    public Socket Socket { get; }

    /// <summary>A request's bytes.</summary>
    public static byte[] Request(string method, string path, ReadOnlySpan<byte> body = default, string headers = "") =>
        [.. Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}{(method == "GET" ? "" : $"Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n")}\r\n"), .. body];

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            fixed (byte* first = bytes)
            {
                var sent = send(_descriptor, first, (nuint)bytes.Length, MSG_NOSIGNAL);
                bytes = sent > 0 ? bytes[(int)sent..] : throw new Win32Exception();
            }
        }
    }

    /// <summary>Reads one reply and counts its body; blocks. What is no 2xx fails.</summary>
    /// <returns>The head, and the body's length.</returns>
    public (string Head, long Body) ReadReply(byte[] buffer)
    {
        var have = _unread.Length;
        _unread.CopyTo(buffer, 0);
        int headEnd;
        while ((headEnd = buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8)) < 0) have += Receive(buffer.AsSpan(have));
        var head = Encoding.ASCII.GetString(buffer, 0, headEnd + 2);
        if (!head.StartsWith("HTTP/1.1 2", StringComparison.Ordinal)) throw new InvalidOperationException($"Port {_port} answered: {head}{Encoding.UTF8.GetString(buffer, headEnd, have - headEnd)}");
        buffer.AsSpan(headEnd + 4, have - headEnd - 4).CopyTo(buffer);
        have -= headEnd + 4;
        long length;
        if (Header(head, "Transfer-Encoding") == "chunked") length = SkipChunks(buffer, ref have);
        else length = SkipBody(buffer, ref have, long.Parse(Header(head, "Content-Length") ?? "0", CultureInfo.InvariantCulture));
        _unread = have == 0 ? [] : buffer[..have];
        return (head, length);
    }

    public static string? Header(string head, string name)
    {
        var start = head.IndexOf($"\r\n{name}: ", StringComparison.OrdinalIgnoreCase);
        return start < 0 ? null : head[(start + name.Length + 4)..head.IndexOf("\r\n", start + 2, StringComparison.Ordinal)];
    }

    /// <summary>Bytes of the next reply are here already.</summary>
    public bool HasMore => _unread.Length > 0;

    /// <summary>Gives what was kept back.</summary>
    public int TakeUnread(Span<byte> buffer)
    {
        _unread.CopyTo(buffer);
        var length = _unread.Length;
        _unread = [];
        return length;
    }

    public void KeepUnread(ReadOnlySpan<byte> bytes) => _unread = bytes.ToArray();

    public void Dispose() => Socket.Dispose();

    long SkipChunks(byte[] buffer, ref int have)
    {
        for (long total = 0; ;)
        {
            int end;
            while ((end = buffer.AsSpan(0, have).IndexOf("\r\n"u8)) < 0) have += Receive(buffer.AsSpan(have));
            var size = long.Parse(Encoding.ASCII.GetString(buffer, 0, end), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            buffer.AsSpan(end + 2, have - end - 2).CopyTo(buffer);
            have -= end + 2;
            total += size;
            SkipBody(buffer, ref have, size + 2);
            if (size == 0) return total;
        }
    }

    long SkipBody(byte[] buffer, ref int have, long length)
    {
        var left = length - have;
        while (left > 0)
        {
            have = Receive(buffer);
            if (have > left) break;
            left -= have;
        }

        // What belongs to the next piece goes to the front.
        var extra = (int)Math.Max(0, left < 0 ? -left : left == 0 ? 0 : have - left);
        buffer.AsSpan(have - extra, extra).CopyTo(buffer);
        have = extra;
        return length;
    }

    /// <summary>Reads what is there; blocks when nothing is.</summary>
    public int Receive(Span<byte> buffer)
    {
        fixed (byte* first = buffer)
        {
            var count = recv(_descriptor, first, (nuint)buffer.Length, 0);
            return count > 0 ? (int)count : throw new InvalidOperationException($"Port {_port} closed the connection.");
        }
    }

    const int MSG_NOSIGNAL = 0x4000;

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int socket, byte* bytes, nuint length, int flags);

    [LibraryImport("libc")]
    private static partial nint recv(int socket, byte* bytes, nuint length, int flags);
}
