using System.Buffers;
using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;

namespace Penstock.Transport.Http;

/// <summary>Writes a request's line and headers into a rented array, with room for the body behind them where it is small.</summary>
internal struct RequestHead : IDisposable
{
    private const int FirstSize = 2048;

    private byte[] _buffer;

    private RequestHead(byte[] buffer) => _buffer = buffer;

    public int Length { get; private set; }

    public readonly ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, Length);

    /// <exception cref="HttpRequestException">A header holds what no header may.</exception>
    public static RequestHead Write(HttpRequestMessage request, int bodyLength, int room)
    {
        var head = new RequestHead(ArrayPool<byte>.Shared.Rent(FirstSize + room));
        var uri = request.RequestUri!;
        head.Add(request.Method.Method);
        head.Add(" ");
        head.Add(uri.PathAndQuery);
        head.Add(" HTTP/1.1\r\nHost: ");
        head.Add(request.Headers.Host ?? (uri.HostNameType == UriHostNameType.IPv6 ? $"[{uri.IdnHost}]" : uri.IdnHost));
        if (request.Headers.Host is null && !uri.IsDefaultPort) head.Add(string.Create(CultureInfo.InvariantCulture, $":{uri.Port}"));
        head.Add("\r\n");
        head.Add(request.Headers);
        if (request.Content is { } content)
        {
            head.Add(content.Headers);
            head.Add(string.Create(CultureInfo.InvariantCulture, $"Content-Length: {bodyLength}\r\n"));
        }

        head.Add("\r\n");
        return head;
    }

    /// <summary>Puts the body behind the head.</summary>
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
                Add(": ");
                if (value.AsSpan().ContainsAny('\r', '\n', '\0')) throw Refused();
                Add(value);
                Add("\r\n");
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
