using System.Text;

namespace Penstock.Server.Commands.Output;

/// <summary>
/// Writes Markdown to a terminal as it comes, token by token: headings, emphasis, code, lists and quotes in the terminal's styles,
/// all else as it stands. It holds back only what the next character may change the meaning of.
/// </summary>
internal sealed class MarkdownWriter(TextWriter output)
{
    private const string Bold = "1", Dim = "2", Italic = "3", Code = "36", Heading = "1;34";

    private readonly StringBuilder _ready = new();
    private readonly List<string> _styles = [];
    private string _held = "";
    private bool _atLineStart = true;
    private bool _inFence;
    private bool _isFenceLine;
    private bool _isEnd;
    private char _last = '\n';

    public void Write(string text)
    {
        _held += text;
        Flush();
    }

    /// <summary>Writes what was held back, and ends all styles and the line.</summary>
    public void End()
    {
        _isEnd = true;
        _held += "\n";
        Flush();
    }

    /// <returns>False when nothing more can be told yet.</returns>
    private bool Take()
    {
        if (_held.Length == 0) return false;
        if (_atLineStart) return TakeLineStart();
        var c = _held[0];
        if (c == '\n')
        {
            if (_isFenceLine || !_inFence) Clear();
            _isFenceLine = false;
            Put("\n", 1);
            _atLineStart = true;
            return true;
        }

        if (_inFence || _isFenceLine) return Put(_held[..1], 1);
        if (c == '`') return Toggle(Code, 1);
        if (c is '*' or '_' && !_styles.Contains(Code))
        {
            if (_held.Length < 3 && !_isEnd) return false;
            var isDouble = _held[1] == c;
            var next = _held[isDouble ? 2 : 1];
            var style = isDouble ? Bold : Italic;
            // A mark that begins emphasis stands before a letter, one that ends it behind one; an underscore within a word is neither.
            if (_styles.Contains(style) ? !char.IsWhiteSpace(_last) && (c == '*' || !char.IsLetterOrDigit(next)) : !char.IsWhiteSpace(next) && (c == '*' || !char.IsLetterOrDigit(_last)))
                return Toggle(style, isDouble ? 2 : 1);
            return Put(_held[..(isDouble ? 2 : 1)], isDouble ? 2 : 1);
        }

        return Put(_held[..1], 1);
    }

    private bool TakeLineStart()
    {
        var line = _held.TrimStart(' ');
        var indent = _held.Length - line.Length;
        if (line.Length == 0) return false;
        if (line.StartsWith("```", StringComparison.Ordinal))
        {
            _atLineStart = false;
            _inFence = !_inFence;
            _isFenceLine = true;
            On(Dim);
            return Put(_held[..(indent + 3)], indent + 3);
        }

        if ("```".StartsWith(line, StringComparison.Ordinal)) return false;
        _atLineStart = false;
        if (_inFence)
        {
            if (!_styles.Contains(Code)) On(Code);
            return true;
        }

        if (line[0] == '#')
        {
            var depth = line.Length - line.TrimStart('#').Length;
            if (depth == line.Length) return Undecided();
            if (depth > 6 || line[depth] != ' ') return true;
            On(Heading);
            return Put("", indent + depth + 1);
        }

        if (line[0] is '-' or '*' or '+' or '>')
        {
            if (line.Length == 1) return Undecided();
            if (line[1] != ' ') return true;
            if (line[0] == '>') On(Dim);
            return Put(_held[..indent] + (line[0] == '>' ? "│ " : "• "), indent + 2);
        }

        return true;
    }

    private bool Undecided()
    {
        _atLineStart = true;
        return false;
    }

    private bool Put(string text, int taken)
    {
        Put(text);
        if (taken > 0) _last = _held[taken - 1];
        _held = _held[taken..];
        return true;
    }

    // What a model says must not steer the terminal.
    private void Put(string text)
    {
        foreach (var c in text)
        {
            if (c is '\n' or '\t' || !char.IsControl(c)) _ready.Append(c);
        }
    }

    private bool Toggle(string style, int taken)
    {
        if (_styles.Remove(style)) Apply();
        else On(style);
        _last = _held[taken - 1];
        _held = _held[taken..];
        return true;
    }

    private void On(string style)
    {
        _styles.Add(style);
        Apply();
    }

    private void Clear()
    {
        if (_styles.Count == 0) return;
        _styles.Clear();
        Apply();
    }

    private void Apply()
    {
        _ready.Append("\e[0");
        foreach (var style in _styles) _ready.Append(';').Append(style);
        _ready.Append('m');
    }

    private void Flush()
    {
        var more = true;
        while (more) more = Take();
        // Half a surrogate pair waits for its other half.
        var length = _ready.Length > 0 && char.IsHighSurrogate(_ready[^1]) ? _ready.Length - 1 : _ready.Length;
        output.Write(_ready.ToString(0, length));
        _ready.Remove(0, length);
    }
}
