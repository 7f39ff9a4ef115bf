using System.Buffers;
using System.Buffers.Text;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;

namespace Penstock.Transport.Http;

/// <summary>Writes a request's line and headers into a rented array, with room for the body behind them where it is small.</summary>
internal struct RequestHead : IDisposable
{
    private const int FirstSize = 2048;
    private const int MaxDigits = 10;

    private byte[] _buffer;

    private RequestHead(byte[] buffer) => _buffer = buffer;

    public int Length { get; private set; }

    public readonly ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, Length);

    /// <exception cref="HttpRequestException">A header holds what no header may.</exception>
    public static RequestHead Write(HttpRequestMessage request, RequestTarget target, int bodyLength, int room)
    {
        var head = new RequestHead(ArrayPool<byte>.Shared.Rent(FirstSize + room));
        head.Add(request.Method.Method);
        head.Add(target.Bytes);
        head.Add(request.Headers);
        if (request.Content is { } content)
        {
            head.Add(content.Headers);
            head.Add("Content-Length: "u8);
            head.MakeRoom(MaxDigits);
            Utf8Formatter.TryFormat(bodyLength, head._buffer.AsSpan(head.Length), out var digits);
            head.Length += digits;
            head.Add("\r\n"u8);
        }

        head.Add("\r\n"u8);
        return head;
    }

    /// <summary>Puts bytes behind it, such as the body.</summary>
    public void Add(ReadOnlySpan<byte> body)
    {
        MakeRoom(body.Length);
        body.CopyTo(_buffer.AsSpan(Length));
        Length += body.Length;
    }

    public void Dispose()
    {
        if (_buffer is { } buffer) ArrayPool<byte>.Shared.Return(buffer, clearArray: false);
        _buffer = null!;
    }

    private void Add(HttpHeaders headers)
    {
        foreach (var (name, values) in headers.NonValidated)
        {
            if (IsOurs(name)) continue;
            foreach (var value in values)
            {
                Add(name);
                Add(": "u8);
                if (value.AsSpan().ContainsAny('\r', '\n', '\0')) throw Refused();
                Add(value);
                Add("\r\n"u8);
            }
        }
    }

    // How the request is framed, and where it goes, is said once.
    private static bool IsOurs(string name) =>
        name.Equals("Host", StringComparison.OrdinalIgnoreCase) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase) || name.Equals("Expect", StringComparison.OrdinalIgnoreCase);

    private void Add(string text)
    {
        MakeRoom(text.Length);
        if (Ascii.FromUtf16(text, _buffer.AsSpan(Length), out var written) != OperationStatus.Done) throw Refused();
        Length += written;
    }

    private void MakeRoom(int more)
    {
        if (_buffer.Length - Length >= more) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, Length + more));
        _buffer.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private HttpRequestException Refused()
    {
        Dispose();
        return new HttpRequestException("A header of the request holds a line's end, or a character that is not ASCII.");
    }
}
