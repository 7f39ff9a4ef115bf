namespace Penstock.Sse;

/// <summary>
/// Turns the bytes of a text/event-stream into frames, by the WHATWG standard
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
/// Feed it whatever a read returned, split anywhere, and call until it returns false.
/// </summary>
/// <remarks>
/// A frame with one data line that lies whole in the input is returned as a slice of it: nothing is copied or allocated.
/// Only what an unfinished frame needs is kept between inputs, in rented arrays; a reader between two frames holds none.
/// </remarks>
/// <param name="maxLineLength">The cap on a line, and on the joined data of one frame, in bytes.</param>
internal sealed class SseReader(int maxLineLength = SseReader.DefaultMaxLineLength) : IDisposable
{
    /// <summary>8 MiB: base64 images make lines of 1 to 4 MB.</summary>
    public const int DefaultMaxLineLength = 8 * 1024 * 1024;

    private const int MaxOutside = 16 * 1024;
    private const byte CR = (byte)'\r';
    private const byte LF = (byte)'\n';

    // What earlier inputs left of the frame that is under way.
    private PooledBytes _line;
    private PooledBytes _name;
    private PooledBytes _data;
    private PooledBytes _id;
    private PooledBytes _outside;
    private bool _hasData;
    private bool _hasId;

    private bool _started;
    private bool _afterCR;
    private bool _dispatched;
    private byte[] _lastEventId = [];
    private int _lastEventIdLength;

    /// <summary>The last <c>id</c> that a complete frame set; empty when none did.</summary>
    public ReadOnlySpan<byte> LastEventId => _lastEventId.AsSpan(0, _lastEventIdLength);

    /// <summary>The last <c>retry</c> value in milliseconds, or null when none came.</summary>
    public long? Retry { get; private set; }

    /// <summary>
    /// The lines since the last frame that are neither fields of this format nor comments, each with LF. The standard says to
    /// ignore them, but some providers put errors there. At most 16 KiB are kept.
    /// </summary>
    public ReadOnlySpan<byte> Outside => _outside.Span;

    internal bool HoldsBuffers => _line.IsRented || _name.IsRented || _data.IsRented || _id.IsRented || _outside.IsRented;

    /// <summary>Takes the next frame from <paramref name="input"/>, moving it past what was used; false when all of it was used and no frame is complete.</summary>
    /// <exception cref="SseLineTooLongException">A line (or the data of one frame) exceeds the cap; the stream cannot be read on.</exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, out SseFrame frame)
    {
        if (_dispatched) ForgetFrame();

        // Slices of the input (or of _line), good for this call; Keep copies them if the frame is not complete at its end.
        var fields = new Fields();
        var lineTaken = false;
        while (TakeLine(ref input, ref lineTaken, out var line))
        {
            if (line.IsEmpty)
            {
                if (EndFrame(fields, out frame)) return true;
                fields = new Fields();
            }
            else
            {
                ReadField(line, ref fields);
            }
        }

        Keep(fields);
        if (lineTaken) _line.Clear();
        _line.Append(input);
        input = default;
        frame = default;
        return false;
    }

    /// <summary>The stream has ended. What it cut is no frame, but a line without its end may stand in <see cref="Outside"/>.</summary>
    public void End()
    {
        var colon = _line.Span.IndexOf((byte)':');
        if (!IsField(colon < 0 ? _line.Span : _line.Span[..colon])) AddOutside(_line.Span);
        _line.Clear();
    }

    public void Dispose()
    {
        ForgetFrame();
        _line.Clear();
    }

    /// <summary>Takes the next whole line, without its end; false when the input has none (its rest is then short enough to keep).</summary>
    private bool TakeLine(scoped ref ReadOnlySpan<byte> input, scoped ref bool lineTaken, out ReadOnlySpan<byte> line)
    {
        line = default;
        if (_afterCR && !input.IsEmpty)
        {
            if (input[0] == LF) input = input[1..];
            _afterCR = false;
        }

        var end = input.IndexOfAny(CR, LF);
        var kept = lineTaken ? 0 : _line.Length;
        if ((end < 0 ? input.Length : end) > maxLineLength - kept) throw TooLong();
        if (end < 0) return false;

        line = input[..end];
        if (kept > 0)
        {
            _line.Append(line);
            line = _line.Span;
            lineTaken = true;
        }

        _afterCR = input[end] == CR;
        input = input[(end + 1)..];
        if (_afterCR && !input.IsEmpty)
        {
            if (input[0] == LF) input = input[1..];
            _afterCR = false;
        }

        if (!_started)
        {
            _started = true;
            if (line.StartsWith("\uFEFF"u8)) line = line[3..];
        }

        return true;
    }

    private void ReadField(ReadOnlySpan<byte> line, scoped ref Fields fields)
    {
        var colon = line.IndexOf((byte)':');
        var field = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? default : line[(colon + 1)..];
        if (!value.IsEmpty && value[0] == ' ') value = value[1..];

        if (field.SequenceEqual("data"u8))
        {
            AddData(value, ref fields);
        }
        else if (field.SequenceEqual("event"u8))
        {
            fields.Name = value;
            fields.HasName = true;
        }
        else if (field.SequenceEqual("id"u8))
        {
            if (value.Contains((byte)0)) return;
            fields.Id = value;
            fields.HasId = true;
        }
        else if (field.SequenceEqual("retry"u8))
        {
            ReadRetry(value);
        }
        else if (!field.IsEmpty)
        {
            AddOutside(line);
        }
    }

    // A comment is a field without a name.
    private static bool IsField(ReadOnlySpan<byte> name) =>
        name.IsEmpty || name.SequenceEqual("data"u8) || name.SequenceEqual("event"u8) || name.SequenceEqual("id"u8) || name.SequenceEqual("retry"u8);

    private void AddOutside(ReadOnlySpan<byte> line)
    {
        if (_outside.Length + line.Length >= MaxOutside) return;
        _outside.Append(line);
        _outside.Append([LF]);
    }

    private void AddData(ReadOnlySpan<byte> value, scoped ref Fields fields)
    {
        if (!_hasData && !fields.HasData)
        {
            fields.Data = value;
            fields.HasData = true;
            return;
        }

        KeepData(ref fields);
        if (value.Length >= maxLineLength - _data.Length) throw TooLong();
        _data.Append([LF]);
        _data.Append(value);
    }

    private void ReadRetry(ReadOnlySpan<byte> value)
    {
        if (value.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return;
        if (long.TryParse(value, out var milliseconds)) Retry = milliseconds;
    }

    /// <summary>A blank line: true if the frame has data and is thus dispatched. Its id counts either way.</summary>
    private bool EndFrame(scoped in Fields fields, out SseFrame frame)
    {
        if (fields.HasId || _hasId) SetLastEventId(fields.HasId ? fields.Id : _id.Span);
        if (fields.HasData || _hasData)
        {
            frame = new SseFrame(fields.HasName ? fields.Name : _name.Span, fields.HasData ? fields.Data : _data.Span);
            _dispatched = true;
            return true;
        }

        _name.Clear();
        _id.Clear();
        _hasId = false;
        frame = default;
        return false;
    }

    private void SetLastEventId(ReadOnlySpan<byte> id)
    {
        if (_lastEventId.Length < id.Length) _lastEventId = new byte[id.Length];
        id.CopyTo(_lastEventId);
        _lastEventIdLength = id.Length;
    }

    private void Keep(scoped Fields fields)
    {
        KeepData(ref fields);
        if (fields.HasName) _name.Set(fields.Name);
        if (!fields.HasId) return;
        _id.Set(fields.Id);
        _hasId = true;
    }

    private void KeepData(scoped ref Fields fields)
    {
        if (!fields.HasData) return;
        _data.Append(fields.Data);
        _hasData = true;
        fields.HasData = false;
    }

    private void ForgetFrame()
    {
        if (_dispatched) _line.Clear();
        _name.Clear();
        _data.Clear();
        _id.Clear();
        _outside.Clear();
        _hasData = _hasId = _dispatched = false;
    }

    private SseLineTooLongException TooLong()
    {
        Dispose();
        return new SseLineTooLongException(maxLineLength);
    }

    /// <summary>The fields that the present input gave to the frame under way; they override what earlier inputs left.</summary>
    private ref struct Fields
    {
        public ReadOnlySpan<byte> Name;
        public ReadOnlySpan<byte> Data;
        public ReadOnlySpan<byte> Id;
        public bool HasName;
        public bool HasData;
        public bool HasId;
    }
}
