namespace Penstock.Transport.Http;

/// <summary>
/// Takes a chunked body out of its framing (RFC 9112, 7.1), wherever it is split. Lines end in CRLF and nothing else;
/// extensions and trailers are passed over.
/// </summary>
internal struct ChunkDecoder
{
    /// <summary>The most bytes of one size's line, and of the trailers.</summary>
    public const int MaxLine = 16 * 1024;

    /// <summary>The fewest bytes between the end of a chunk and the next one's data: a digit and its CRLF.</summary>
    public const int ShortestSize = 3;

    private State _state;
    private long _left; // of the size that is being read, or of the data
    private int _length; // of the line, or of the trailers

    private enum State : byte
    {
        Size,
        MoreSize,
        AfterSize,
        Extension,
        SizeEnd,
        Data,
        DataCr,
        DataLf,
        TrailerStart,
        Trailer,
        TrailerEnd,
        LastLf,
        Ended,
    }

    public readonly bool Ended => _state == State.Ended;

    /// <summary>How many bytes are to come of the CRLF behind a chunk's data; 0 elsewhere.</summary>
    public readonly int RestOfChunkEnd => _state switch
    {
        State.DataCr => 2,
        State.DataLf => 1,
        _ => 0,
    };

    /// <summary>Decodes bytes where they are: the data is moved to their beginning.</summary>
    /// <param name="bytes">What came.</param>
    /// <param name="used">How many of them were of this body: all, unless it ended within them.</param>
    /// <returns>How many are data.</returns>
    /// <exception cref="HttpIOException">They are no chunked body.</exception>
    public int Decode(Span<byte> bytes, out int used)
    {
        var data = 0;
        for (used = 0; used < bytes.Length && _state != State.Ended;)
        {
            if (_state == State.Data)
            {
                var count = (int)Math.Min(_left, bytes.Length - used);
                bytes.Slice(used, count).CopyTo(bytes[data..]);
                data += count;
                used += count;
                _left -= count;
                if (_left == 0) _state = State.DataCr;
            }
            else
            {
                Step(bytes[used++]);
            }
        }

        return data;
    }

    private void Step(byte b)
    {
        switch (_state)
        {
            case State.Size or State.MoreSize:
                StepSize(b);
                break;
            case State.AfterSize:
                if (b is not ((byte)' ' or (byte)'\t')) EndSize(b);
                Count();
                break;
            case State.Extension:
                if (b == '\r') _state = State.SizeEnd;
                else RefuseControl(b);
                Count();
                break;
            case State.SizeEnd:
                Expect(b, '\n');
                _length = 0;
                _state = _left > 0 ? State.Data : State.TrailerStart;
                break;
            case State.DataCr:
                Expect(b, '\r');
                _state = State.DataLf;
                break;
            case State.DataLf:
                Expect(b, '\n');
                _state = State.Size;
                break;
            case State.TrailerStart:
                _state = b == '\r' ? State.LastLf : State.Trailer;
                if (b != '\r') RefuseControl(b);
                Count();
                break;
            case State.Trailer:
                if (b == '\r') _state = State.TrailerEnd;
                else RefuseControl(b);
                Count();
                break;
            case State.TrailerEnd:
                Expect(b, '\n');
                _state = State.TrailerStart;
                break;
            case State.LastLf:
                Expect(b, '\n');
                _state = State.Ended;
                break;
        }
    }

    private void StepSize(byte b)
    {
        var digit = b switch
        {
            >= (byte)'0' and <= (byte)'9' => b - '0',
            >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
            _ => -1,
        };
        if (digit < 0)
        {
            if (_state == State.Size) throw HttpFailure.Invalid("A chunk of the reply has no size.");
            EndSize(b);
            return;
        }

        if (_left > long.MaxValue >> 4) throw HttpFailure.Invalid("A chunk of the reply has an impossible size.");
        _left = (_left << 4) | (uint)digit;
        _state = State.MoreSize;
        Count();
    }

    private void EndSize(byte b) => _state = b switch
    {
        (byte)'\r' => State.SizeEnd,
        (byte)';' => State.Extension,
        (byte)' ' or (byte)'\t' => State.AfterSize,
        _ => throw HttpFailure.Invalid("The size of a chunk of the reply is no number."),
    };

    private void Count()
    {
        if (++_length > MaxLine) throw HttpFailure.Invalid($"A chunk's line, or the trailers of the reply, are longer than {MaxLine} bytes.");
    }

    private static void Expect(byte b, char expected)
    {
        if (b != expected) throw HttpFailure.Invalid("A line of the reply's chunks does not end as it must, or a chunk is longer than it says.");
    }

    private static void RefuseControl(byte b)
    {
        if (b < ' ' && b != '\t') throw HttpFailure.Invalid("A line of the reply's chunks holds a control character.");
    }
}
