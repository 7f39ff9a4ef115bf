using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Penstock.Testing;

/// <summary>A client that speaks HTTP/2 frame by frame on a plain socket (prior knowledge), as no library would: RFC 9113.</summary>
public sealed class RawHttp2 : IDisposable
{
    public const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, Continuation = 9;

    public const byte EndStream = 1, EndHeaders = 4;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private RawHttp2()
    {
    }

    /// <summary>Connects, and says the preface and its settings.</summary>
    public static async Task<RawHttp2> ConnectAsync(int port)
    {
        var client = new RawHttp2();
        await client._socket.ConnectAsync(IPAddress.Loopback, port);
        await client.SendAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])]);
        return client;
    }

    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>A request's field block: static names, literal values, nothing indexed (RFC 7541).</summary>
    public static byte[] Fields(string method, string path, params (string Name, string Value)[] headers)
    {
        var block = new List<byte> { method == "GET" ? (byte)0x82 : (byte)0x83, 0x86 }; // :method, :scheme http
        Literal(block, [0x04], path);
        Literal(block, [0x01], "localhost");
        foreach (var (name, value) in headers)
        {
            block.Add(0);
            Text(block, name);
            Text(block, value);
        }

        return [.. block];
    }

    /// <summary>Sends bytes; false once the server takes no more.</summary>
    public async Task<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0) bytes = bytes[await _socket.SendAsync(bytes)..];
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The next frame's type and stream, or null when the server has closed.</summary>
    public async Task<(byte Type, int Stream, byte[] Payload)?> ReadAsync()
    {
        if (await FillAsync(9) is not { } head) return null;
        var length = (head[0] << 16) | (head[1] << 8) | head[2];
        return await FillAsync(length) is { } payload ? (head[3], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)) & int.MaxValue, payload) : null;
    }

    /// <summary>Reads until the server says that it goes away, or closes.</summary>
    public async Task EndedAsync()
    {
        while (await ReadAsync() is { } frame)
        {
            if (frame.Type == GoAway) return;
        }
    }

    public void Dispose() => _socket.Dispose();

    private static void Literal(List<byte> block, ReadOnlySpan<byte> name, string value)
    {
        block.AddRange(name);
        Text(block, value);
    }

    private static void Text(List<byte> block, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        // RFC 7541, 5.1: an integer with a prefix of 7 bits
        if (bytes.Length < 127)
        {
            block.Add((byte)bytes.Length);
        }
        else
        {
            block.Add(127);
            var rest = bytes.Length - 127;
            for (; rest >= 128; rest >>= 7) block.Add((byte)((rest & 127) | 128));
            block.Add((byte)rest);
        }

        block.AddRange(bytes);
    }

    private async Task<byte[]?> FillAsync(int count)
    {
        var bytes = new byte[count];
        try
        {
            for (var filled = 0; filled < count;)
            {
                var read = await _socket.ReceiveAsync(bytes.AsMemory(filled));
                if (read == 0) return null;
                filled += read;
            }

            return bytes;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
