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

    /// <summary>Begins to send a request on a connection that has had one before, and so may be dead already.</summary>
    /// <returns>False when nothing of it was sent, so that it may be sent elsewhere.</returns>
    public bool TrySend(HttpRequestMessage request, RequestTarget target, ReadOnlyMemory<byte> body, CancellationToken cancellationToken, out Task sending)
    {
        sending = SendAsync(request, target, body, cancellationToken);
        if (sending is not { IsFaulted: true, Exception.InnerException: IOException }) return true;
        Close();
        return false;
    }

    /// <summary>Sends a request.</summary>
    public async Task SendAsync(HttpRequestMessage request, RequestTarget target, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
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

    /// <summary>Reads the head of the reply to a request.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="sending">Its sending. Not waited for: a server may refuse a long body before it has taken all of it.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    /// <exception cref="HttpRequestException">No reply came, or none that can be read.</exception>
    public async Task<HttpResponseMessage> ReceiveAsync(HttpRequestMessage request, Task sending, CancellationToken cancellationToken)
    {
        try
        {
            if (sending is { IsFaulted: true, Exception.InnerException: not IOException }) await sending; // throws: it cannot be sent
            int seen = 0, before = 0;
            while (true)
            {
                if (ReplyHead.LengthOf(_kept.AsSpan(_start.._end), ref seen) is var length and >= 0)
                {
                    if (TakeHead(request, length) is { } reply)
                    {
                        if (!sending.IsCompletedSuccessfully) _keepAlive = false;
                        return reply;
                    }

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
            if (!sending.IsCompletedSuccessfully) _ = sending.ContinueWith(static sent => _ = sent.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
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
