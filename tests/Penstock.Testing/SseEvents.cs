using System.Text;

namespace Penstock.Testing;

/// <summary>One event as a browser would dispatch it, and the bytes of its frame.</summary>
/// <param name="Id">The <c>id</c> that this frame itself carried, or null.</param>
/// <param name="Name">The <c>event</c> field, "message" when there was none.</param>
/// <param name="Data">The data lines joined by LF.</param>
/// <param name="Raw">The frame as it was on the wire, comments before it included.</param>
public sealed record SseEvent(string? Id, string Name, string Data, string Raw);

/// <summary>
/// A plain parser of event streams, written from the WHATWG text line by line and sharing nothing with the product's,
/// so that the two check each other. It is slow on purpose.
/// </summary>
public sealed class SseEvents
{
    private readonly List<byte> _line = [];
    private readonly List<byte> _raw = [];
    private readonly StringBuilder _data = new();
    private string _name = "";
    private string? _id;
    private bool _skipLf;
    private bool _first = true;

    /// <summary>What a client sends in <c>Last-Event-ID</c> when it comes back now.</summary>
    public string LastEventId { get; private set; } = "";

    /// <summary>The last <c>retry</c> in milliseconds.</summary>
    public long? Retry { get; private set; }

    /// <summary>The comments so far, without their colons.</summary>
    public List<string> Comments { get; } = [];

    /// <summary>Takes bytes and returns the events that they complete.</summary>
    public IEnumerable<SseEvent> Feed(ReadOnlyMemory<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = bytes.Span[i];
            var lfOfCrlf = _skipLf && b == '\n';
            _skipLf = b == '\r';
            if (lfOfCrlf) continue;
            _raw.Add(b);
            if (b is not ((byte)'\n' or (byte)'\r'))
            {
                _line.Add(b);
                continue;
            }

            var line = Encoding.UTF8.GetString([.. _line]);
            _line.Clear();
            if (_first) line = line.TrimStart('\uFEFF');
            _first = false;
            if (line.Length > 0) Field(line);
            else if (Dispatch() is { } dispatched) yield return dispatched;
        }
    }

    private void Field(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        var (field, value) = colon < 0 ? (line, "") : (line[..colon], line[(colon + 1)..]);
        if (value.StartsWith(' ')) value = value[1..];
        if (colon == 0) Comments.Add(value);
        else if (field == "data") _data.Append(value).Append('\n');
        else if (field == "event") _name = value;
        else if (field == "id" && !value.Contains('\0', StringComparison.Ordinal)) _id = value;
        else if (field == "retry" && value.Length > 0 && value.All(char.IsAsciiDigit)) Retry = long.Parse(value);
    }

    private SseEvent? Dispatch()
    {
        if (_id is not null) LastEventId = _id;
        var dispatched = _data.Length == 0 ? null
            : new SseEvent(_id, _name.Length == 0 ? "message" : _name, _data.ToString(0, _data.Length - 1), Encoding.UTF8.GetString([.. _raw]));
        _data.Clear();
        _raw.Clear();
        (_name, _id) = ("", null);
        return dispatched;
    }
}
