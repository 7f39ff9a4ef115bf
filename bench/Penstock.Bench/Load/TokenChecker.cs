namespace Penstock.Bench.Load;

/// <summary>What was wrong with a reply.</summary>
enum Fault
{
    None,

    /// <summary>A token was skipped: it was dropped, or comes later than one that follows it.</summary>
    Skipped,

    /// <summary>A token came again, or after one that follows it.</summary>
    Repeated,

    /// <summary>The reply ended properly, but before its last token.</summary>
    TooFew,

    /// <summary>The ending mark (<c>[DONE]</c>) never came.</summary>
    NoEnding,

    /// <summary>Something followed the ending mark.</summary>
    AfterEnding,

    /// <summary>The connection was refused, closed within a reply, or answered with something else than a chunked 200.</summary>
    Connection,

    /// <summary>The reply had not ended when the run's time was over.</summary>
    Unfinished,
}

/// <summary>
/// Finds the upstream's tokens in a reply, cut anywhere, and checks that each came once and in order.
/// A token is <c>#sequence.timestamp;</c>, written in no JSON escape's reach and by nobody else, so the checker
/// need not know which protocol it is reading.
/// </summary>
/// <param name="expected">How many tokens there must be.</param>
/// <param name="ending">The ending mark.</param>
/// <param name="repeats">Whether what follows the mark says it all again, as Responses does: then it is not looked at.</param>
sealed class TokenChecker(int expected, byte[] ending, bool repeats = false)
{
    State _state;
    int _next, _matched;
    long _sequence, _timestamp;
    bool _ended;

    /// <summary>The first thing that was wrong so far.</summary>
    public Fault Fault { get; private set; }

    /// <summary>How many tokens were seen.</summary>
    public int Tokens { get; private set; }

    /// <summary>Takes the next bytes of the reply and adds each token's age at <paramref name="now"/> to <paramref name="ages"/>.</summary>
    public void Feed(ReadOnlySpan<byte> bytes, long now, List<long> ages)
    {
        while (!bytes.IsEmpty && !(repeats && _ended))
        {
            var first = bytes[0];
            switch (_state)
            {
                case State.Searching:
                    var found = bytes.IndexOfAny((byte)'#', ending[0]);
                    if (found < 0) return;
                    _state = bytes[found] == '#' ? State.Sequence : State.Ending;
                    _sequence = _timestamp = 0;
                    _matched = 1;
                    bytes = bytes[(found + 1)..];
                    continue;
                case State.Sequence when char.IsAsciiDigit((char)first):
                    _sequence = _sequence * 10 + (first - '0');
                    break;
                case State.Sequence when first == '.':
                    _state = State.Timestamp;
                    break;
                case State.Timestamp when char.IsAsciiDigit((char)first):
                    _timestamp = _timestamp * 10 + (first - '0');
                    break;
                case State.Timestamp when first == ';':
                    ages.Add(now - _timestamp);
                    Count();
                    _state = State.Searching;
                    break;
                case State.Ending when first == ending[_matched]:
                    if (++_matched < ending.Length) break;
                    if (_ended) Report(Fault.AfterEnding);
                    _ended = true;
                    _state = State.Searching;
                    break;
                default:
                    _state = State.Searching; // not what it looked like: search on from this byte
                    continue;
            }

            bytes = bytes[1..];
        }
    }

    /// <summary>The reply is over: what is missing now is missing for good.</summary>
    public Fault Finish()
    {
        if (_next < expected) Report(Fault.TooFew);
        if (!_ended) Report(Fault.NoEnding);
        return Fault;
    }

    void Count()
    {
        Tokens++;
        if (_ended || _sequence >= expected) Report(Fault.AfterEnding);
        else if (_sequence > _next) Report(Fault.Skipped);
        else if (_sequence < _next) Report(Fault.Repeated);
        _next = Math.Max(_next, (int)Math.Min(_sequence, expected) + 1);
    }

    void Report(Fault fault)
    {
        if (Fault == Fault.None) Fault = fault;
    }

    enum State
    {
        Searching,
        Sequence,
        Timestamp,
        Ending,
    }
}
