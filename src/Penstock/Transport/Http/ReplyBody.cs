using System.Buffers;
using System.Runtime.CompilerServices;

namespace Penstock.Transport.Http;

/// <summary>
/// A reply's body. It is read into the caller's buffer and taken out of its framing there, so that it has no buffer of its
/// own, and a read that waits leaves nothing for the collector. Once it is whole, its connection serves the next request.
/// </summary>
internal sealed class ReplyBody : Stream
{
    // What is looked at of a body that nobody reads to its end, mostly the last chunk, and for how long.
    private const int DrainSize = 16 * 1024;
    private static readonly TimeSpan _drainTime = TimeSpan.FromMilliseconds(100);

    private HttpConnection? _connection; // until the body is over
    private BodyFraming _framing;
    private CancellationToken _cancellation;
    private byte[]? _chunkEnd; // for a CRLF that comes by itself
    private bool _disposed;

    public ReplyBody(HttpConnection connection, BodyFraming framing)
    {
        _connection = connection;
        _framing = framing;
        if (framing.Ended) End(isClean: true);
    }

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads data; into an empty buffer, waits for some, or for what may be the end.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_connection is not { } connection) return new(0);
        _cancellation = cancellationToken;
        if (buffer.IsEmpty) return _framing.RestOfChunkEnd == 0 ? connection.WaitAsync(cancellationToken) : PassChunkEndAsync(connection, cancellationToken);
        buffer = buffer[.._framing.Limit(buffer.Length)];
        while (true)
        {
            var reading = connection.ReadAsync(buffer, cancellationToken);
            if (!reading.IsCompletedSuccessfully) return ContinueAsync(connection, reading, buffer, cancellationToken);
            if (Take(buffer.Span[..reading.Result]) is var data && (data > 0 || _connection is null)) return new(data);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count).GetAwaiter().GetResult();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _disposed = true;
        if (disposing && _connection is { } connection)
        {
            _connection = null;
            if (_cancellation.IsCancellationRequested || _framing.EndsByClose) connection.Close();
            else _ = DrainAsync(connection);
        }

        base.Dispose(disposing);
    }

    // A wait with a buffer: where only framing came. The pool of boxes is one of few for all, and enough, since they wait seldom.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ContinueAsync(HttpConnection connection, ValueTask<int> reading, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            int read;
            try
            {
                read = await reading;
            }
            catch
            {
                Fail();
                throw;
            }

            if (Take(buffer.Span[..read]) is var data && (data > 0 || _connection is null)) return data;
            reading = connection.ReadAsync(buffer, cancellationToken);
        }
    }

    // Some peers send the end of a chunk apart, long before the next one. It is no data: whoever took a buffer for it would hold that for as long.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> PassChunkEndAsync(HttpConnection connection, CancellationToken cancellationToken)
    {
        while (_framing.RestOfChunkEnd is > 0 and var rest)
        {
            _ = await connection.WaitAsync(cancellationToken);
            _chunkEnd ??= new byte[2 + ChunkDecoder.ShortestSize];
            // With room for more, or it could not be told whether more is there, and for no data yet.
            var read = await connection.ReadAsync(_chunkEnd.AsMemory(0, rest + ChunkDecoder.ShortestSize), cancellationToken);
            Take(_chunkEnd.AsSpan(0, read));
        }

        return await connection.WaitAsync(cancellationToken);
    }

    private int Take(Span<byte> bytes)
    {
        try
        {
            var data = _framing.Take(bytes, out var isClean);
            if (_framing.Ended || bytes.IsEmpty) End(isClean && !bytes.IsEmpty);
            return data;
        }
        catch (IOException)
        {
            Fail();
            throw;
        }
    }

    private void End(bool isClean)
    {
        var connection = _connection;
        _connection = null;
        connection?.Complete(isClean);
    }

    private void Fail()
    {
        _connection?.Close();
        _connection = null;
    }

    private static TimeSpan Least(TimeSpan left) => left > TimeSpan.Zero ? left : TimeSpan.Zero;

    // An answer that is whole for who reads it often ends a chunk before the body does. That chunk is worth a short wait.
    private async Task DrainAsync(HttpConnection connection)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(DrainSize);
        try
        {
            var left = DrainSize;
            var isClean = true;
            var time = connection.Pool.Time;
            var began = time.GetTimestamp();
            while (!_framing.Ended)
            {
                var reading = connection.ReadAsync(buffer.AsMemory(0, Math.Min(left, _framing.Limit(left))), CancellationToken.None);
                var read = reading.IsCompletedSuccessfully ? reading.Result : await reading.AsTask().WaitAsync(Least(_drainTime - time.GetElapsedTime(began)), time);
                _ = _framing.Take(buffer.AsSpan(0, read), out isClean);
                if ((left -= read) == 0 && !_framing.Ended) throw HttpFailure.Ended();
            }

            connection.Complete(isClean);
            ArrayPool<byte>.Shared.Return(buffer);
        }
        catch (Exception e) when (e is IOException or TimeoutException or InvalidOperationException)
        {
            connection.Close(); // and the buffer is left to a read that may still be under way
        }
    }
}
