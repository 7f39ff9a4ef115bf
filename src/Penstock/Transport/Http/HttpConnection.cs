using System.Buffers;
using System.Net;
using System.Net.Http;

namespace Penstock.Transport.Http;

/// <summary>One connection to an origin: a request, then its reply, then the next. It holds a buffer only while bytes are in it.</summary>
internal sealed class HttpConnection(ConnectionPool pool, EpollStream transport, Stream stream, long openedAt)
{
    private const int ReadSize = 4096;

    // A body of up to this goes out with its head, in one write.
    private const int SmallBody = 64 * 1024;

    private byte[]? _kept; // what came behind a head
    private int _start;
    private int _end;
    private bool _keepAlive = true;

    public long OpenedAt => openedAt;

    /// <summary>Since when nobody uses it.</summary>
    public long IdleSince { get; set; }

    public ConnectionPool Pool => pool;

    /// <summary>Whether an idle connection can take another request: its peer has neither left nor said anything unasked.</summary>
    public bool IsUsable => transport.IsQuiet;

    /// <summary>Sends a request and reads the reply's head.</summary>
    /// <param name="request">What to ask.</param>
    /// <param name="target">Its address.</param>
    /// <param name="body">The request's body.</param>
    /// <param name="isReused">The connection has had a request before, so it may be dead already.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <returns>The reply; null when nothing of the request was sent, so that it may be sent elsewhere.</returns>
    /// <exception cref="HttpRequestException">No reply came, or none that can be read.</exception>
    public async Task<HttpResponseMessage?> SendAsync(HttpRequestMessage request, RequestTarget target, ReadOnlyMemory<byte> body, bool isReused, CancellationToken cancellationToken)
    {
        Task? sending = null;
        try
        {
            // Not awaited: a server may refuse a long body before it has taken all of it.
            sending = WriteAsync(request, target, body, cancellationToken);
            if (sending.IsFaulted)
            {
                if (sending.Exception.InnerException is not IOException) await sending; // throws: it cannot be sent
                if (isReused)
                {
                    Close();
                    return null;
                }
            }

            var reply = await ReadHeadAsync(request, cancellationToken);
            if (!sending.IsCompletedSuccessfully) _keepAlive = false;
            return reply;
        }
        catch (Exception e)
        {
            Close();
            if (e is not (IOException or ObjectDisposedException)) throw;
            cancellationToken.ThrowIfCancellationRequested();
            throw HttpFailure.OfRequest(sending is { IsFaulted: true } ? sending.Exception.InnerException! : e);
        }
        finally
        {
            // A failure was told already, or is of no interest once the reply is there.
            _ = sending?.ContinueWith(static sent => _ = sent.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
    }

    /// <summary>Whether there are bytes that need not be waited for.</summary>
    public bool HasKept => _kept is not null;

    /// <summary>Waits until there is something to read, and holds no buffer.</summary>
    public ValueTask<int> WaitAsync(CancellationToken cancellationToken) => HasKept ? new(0) : stream.ReadAsync(Memory<byte>.Empty, cancellationToken);

    /// <summary>Reads bytes of a body, with its framing.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_kept is null) return stream.ReadAsync(buffer, cancellationToken);
        var count = Math.Min(buffer.Length, _end - _start);
        _kept.AsSpan(_start, count).CopyTo(buffer.Span);
        _start += count;
        if (_start == _end) Release();
        return new(count);
    }

    /// <summary>The reply is over.</summary>
    /// <param name="isClean">Nothing came behind it.</param>
    public void Complete(bool isClean)
    {
        if (_keepAlive && isClean && !HasKept) pool.Return(this);
        else Close();
    }

    public void Close()
    {
        Release();
        stream.Dispose();
    }

    private async Task WriteAsync(HttpRequestMessage request, RequestTarget target, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var isSmall = body.Length <= SmallBody;
        var head = RequestHead.Write(request, target, body.Length, isSmall ? body.Length : 0);
        try
        {
            if (isSmall) head.Add(body.Span);
            await stream.WriteAsync(head.Memory, cancellationToken);
            if (!isSmall) await stream.WriteAsync(body, cancellationToken);
        }
        finally
        {
            head.Dispose();
        }
    }

    private async Task<HttpResponseMessage> ReadHeadAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        int seen = 0, before = 0;
        while (true)
        {
            if (ReplyHead.LengthOf(_kept.AsSpan(_start.._end), ref seen) is var length and >= 0)
            {
                var reply = TakeHead(request, length);
                if (reply is not null) return reply;
                before += length;
                seen = 0;
                continue;
            }

            if (before + _end - _start >= ReplyHead.MaxLength) throw HttpFailure.TooLong(ReplyHead.MaxLength);
            _ = await WaitAsync(cancellationToken);
            MakeRoom();
            var read = await stream.ReadAsync(_kept.AsMemory(_end), cancellationToken);
            if (read == 0) throw HttpFailure.Ended();
            _end += read;
        }
    }

    /// <summary>Takes a head of this length; null when it is an interim one.</summary>
    private HttpResponseMessage? TakeHead(HttpRequestMessage request, int length)
    {
        var content = new ReplyContent();
        var reply = ReplyHead.Read(_kept.AsSpan(_start, length), content, out var framing, out var keepAlive);
        _start += length;
        if (_start == _end) Release();
        var status = (int)reply.StatusCode;
        if (status == (int)HttpStatusCode.SwitchingProtocols) throw HttpFailure.Invalid("The reply switches to another protocol, unasked.");
        if (status < 200) return null;
        reply.RequestMessage = request;
        if (!keepAlive) _keepAlive = false;
        if (status is 204 or 304 || request.Method == HttpMethod.Head) framing = BodyFraming.Of(0);
        content.Body = new ReplyBody(this, framing);
        return reply;
    }

    private void MakeRoom()
    {
        if (_kept is null)
        {
            _kept = ArrayPool<byte>.Shared.Rent(ReadSize);
            return;
        }

        if (_end < _kept.Length) return;
        var rest = _kept.AsSpan(_start.._end);
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(ReadSize, rest.Length * 2));
        rest.CopyTo(larger);
        Release();
        (_kept, _end) = (larger, rest.Length);
    }

    private void Release()
    {
        if (_kept is { } kept) ArrayPool<byte>.Shared.Return(kept);
        _kept = null;
        _start = _end = 0;
    }
}
