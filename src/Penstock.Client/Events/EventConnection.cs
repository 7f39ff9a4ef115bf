using System.Globalization;
using System.Text;
using System.Text.Json;
using Penstock.Client.Http;
using Penstock.Sse;

namespace Penstock.Client.Events;

/// <summary>One connection that reads a generation's events, until it ends or breaks.</summary>
internal sealed class EventConnection : IDisposable
{
    private readonly HttpResponseMessage _reply;
    private readonly SilenceLimit _silence;
    private readonly SseReader _reader = new();
    private readonly byte[] _buffer = new byte[16 * 1024];
    private readonly Stream _stream;
    private readonly long _head;
    private int _start;
    private int _end;
    private byte[] _lastId = [];
    private long _lastOffset;
    private string _generation;
    private DateTimeOffset? _at;

    private EventConnection(HttpResponseMessage reply, Stream stream, SilenceLimit silence, string id, long after, DateTimeOffset? at)
    {
        (_reply, _stream, _silence) = (reply, stream, silence);
        (_generation, _lastOffset, _at) = (id, after, at);
        _head = long.TryParse(Header(reply, "Penstock-Offset"), NumberStyles.None, CultureInfo.InvariantCulture, out var head) ? head : -1;
        if (double.TryParse(Header(reply, "Penstock-Heartbeat"), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 86_400)
            silence.Heartbeat = TimeSpan.FromSeconds(seconds);
    }

    /// <summary>The pause before a reconnection that the server asked for.</summary>
    public TimeSpan? Retry => _reader.Retry is { } ms ? TimeSpan.FromMilliseconds(Math.Min(ms, 3_600_000)) : null;

    /// <param name="server">Where.</param>
    /// <param name="id">Of which generation.</param>
    /// <param name="after">The last event that is known.</param>
    /// <param name="at">Its time.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null when the server says that there is no more.</returns>
    public static async Task<EventConnection?> OpenAsync(ServerConnection server, string id, long after, DateTimeOffset? at, CancellationToken cancellationToken)
    {
        var silence = new SilenceLimit(server, cancellationToken);
        HttpResponseMessage? reply = null;
        try
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{PenstockClient.PathOf(id)}/events?after={after}");
            reply = await server.SendAsync(new ServerRequest(HttpMethod.Get, path), silence);
            if (reply.StatusCode == System.Net.HttpStatusCode.NoContent)
            {
                reply.Dispose();
                silence.Dispose();
                return null;
            }

            if (reply.Content.Headers.ContentType?.MediaType != "text/event-stream")
                throw new PenstockException("not_an_event_stream", $"What answers at {server.BaseAddress} sends no event stream.", 406);
            var stream = await reply.Content.ReadAsStreamAsync(cancellationToken);
            return new EventConnection(reply, stream, silence, id, after, at);
        }
        catch
        {
            reply?.Dispose();
            silence.Dispose();
            throw;
        }
    }

    /// <returns>Null when the connection has ended.</returns>
    public async ValueTask<PenstockEvent?> NextAsync()
    {
        while (true)
        {
            if (TakeEvent() is { } next) return next;
            _start = 0;
            _end = await _silence.WithinAsync(token => _stream.ReadAsync(_buffer, token));
            if (_end == 0) return null;
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _reply.Dispose();
        _silence.Dispose();
    }

    private PenstockEvent? TakeEvent()
    {
        var input = new ReadOnlySpan<byte>(_buffer, _start, _end - _start);
        try
        {
            if (!_reader.TryRead(ref input, out var frame)) return null;
            _start = _end - input.Length;
            ReadId();
            var read = EventReader.Read(frame.Data, _generation, _lastOffset, isReplay: _lastOffset < _head, _at);
            _at = read.At;
            return read;
        }
        catch (Exception e) when (e is SseLineTooLongException or JsonException or FormatException or InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw new PenstockException("malformed_reply", "The server sent an event that cannot be read.", 406, e);
        }
    }

    // An ending that the log could not take has no id, and stands behind all others.
    private void ReadId()
    {
        var id = _reader.LastEventId;
        if (id.SequenceEqual(_lastId))
        {
            _lastOffset++;
            return;
        }

        _lastId = id.ToArray();
        var dot = id.IndexOf((byte)'.');
        if (dot < 0 || !System.Buffers.Text.Utf8Parser.TryParse(id[(dot + 1)..], out long offset, out _)) throw new FormatException("The event's id has no offset.");
        _lastOffset = offset;
        if (_generation.Length != dot || !_generation.AsSpan().SequenceEqual(Encoding.ASCII.GetString(id[..dot]))) _generation = Encoding.ASCII.GetString(id[..dot]);
    }

    private static string? Header(HttpResponseMessage reply, string name) => reply.Headers.TryGetValues(name, out var values) ? values.First() : null;
}
