using System.Text;

namespace Penstock.Bench.Load;

/// <summary>Reads one chunked HTTP/1.1 response, cut anywhere. Only what a streamed 200 needs: anything else is a failure.</summary>
sealed class ResponseReader
{
    const int MaxHead = 16 * 1024;

    byte[] _head = new byte[512];
    int _headLength, _lineLength;
    long _left;
    State _state;

    public bool IsComplete => _state == State.Complete;
    public bool IsFailed => _state == State.Failed;

    /// <summary>The response's head, as far as it was read; for error messages.</summary>
    public string Head => Encoding.Latin1.GetString(_head, 0, _headLength);

    public void Reset()
    {
        _headLength = _lineLength = 0;
        _left = 0;
        _state = State.Head;
    }

    /// <summary>Takes bytes off the front; true when that gave a piece of the body, false when more bytes are needed or none are expected.</summary>
    public bool TryRead(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> body)
    {
        while (!bytes.IsEmpty && _state is not (State.Complete or State.Failed))
        {
            if (_state == State.Data)
            {
                var length = (int)Math.Min(_left, bytes.Length);
                body = bytes[..length];
                bytes = bytes[length..];
                _left -= length;
                if (_left == 0) _state = State.DataEnd;
                return true;
            }

            if (_state == State.Head)
            {
                ReadHead(ref bytes);
                continue;
            }

            ReadFraming(bytes[0]);
            bytes = bytes[1..];
        }

        body = default;
        return false;
    }

    void ReadHead(ref ReadOnlySpan<byte> bytes)
    {
        var before = _headLength;
        if (before + bytes.Length > _head.Length) Array.Resize(ref _head, Math.Max(_head.Length * 2, before + bytes.Length));
        bytes.CopyTo(_head.AsSpan(before));
        _headLength += bytes.Length;
        var end = _head.AsSpan(0, _headLength).IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            bytes = default;
            if (_headLength > MaxHead) _state = State.Failed;
            return;
        }

        bytes = bytes[(end + 4 - before)..];
        var head = _head.AsSpan(0, end);
        var chunked = head.IndexOf("\r\nTransfer-Encoding: chunked"u8) >= 0;
        _state = chunked && head.StartsWith("HTTP/1.1 200 "u8) ? State.Size : State.Failed;
    }

    void ReadFraming(byte value)
    {
        var endOfLine = value == '\n';
        switch (_state)
        {
            case State.Size when endOfLine:
                _state = _left > 0 ? State.Data : State.Trailer;
                _lineLength = 0;
                break;
            case State.Size when char.IsAsciiHexDigit((char)value):
                _left = _left * 16 + (value <= '9' ? value - '0' : (value | 0x20) - 'a' + 10);
                break;
            case State.Size when value != '\r':
                _state = State.Failed;
                break;
            case State.DataEnd when endOfLine:
                _state = State.Size;
                break;
            case State.Trailer when endOfLine && _lineLength == 0:
                _state = State.Complete;
                break;
            case State.Trailer:
                _lineLength = endOfLine ? 0 : value == '\r' ? _lineLength : _lineLength + 1;
                break;
        }
    }

    enum State
    {
        Head,
        Size,
        Data,
        DataEnd,
        Trailer,
        Complete,
        Failed,
    }
}
