using System.Text;

namespace Penstock.Protocols.Gemini;

/// <summary>
/// The parts of one turn while they are read. Chats keep a streamed answer in as many pieces as it came in, so text and thoughts are
/// put together here, in linear time.
/// </summary>
internal sealed class GeminiTurn
{
    private readonly List<Part> _parts = [];
    private StringBuilder? _joined; // the text of the last part, while more of it comes

    /// <summary>The parts read so far; whole once <see cref="End"/> was called.</summary>
    public IReadOnlyList<Part> Parts => _parts;

    public void Add(Part part)
    {
        End();
        _parts.Add(part);
    }

    /// <summary>Adds text, which goes on with the text before it or is a part of its own.</summary>
    public void AddText(TextPart text, string? signature, bool continues)
    {
        if (continues && _parts is [.., TextPart last]) Join(last.Text, text.Text);
        else if (text.Text.Length > 0 || signature is null) Add(text);
        if (signature is not null) Add(new ReasoningPart("") { Signature = signature, Path = text.Path });
    }

    /// <summary>Adds a thought. A stream gives it in pieces and its signature last.</summary>
    public void AddThought(ReasoningPart thought)
    {
        if (_parts is [.., ReasoningPart { Signature: null } last] && !thought.IsRedacted)
        {
            Join(last.Text, thought.Text);
            if (thought.Signature is null) return;
            End();
            _parts[^1] = (ReasoningPart)_parts[^1] with { Signature = thought.Signature };
        }
        else if (thought.Text.Length > 0 || thought.Signature is not null)
        {
            Add(thought);
        }
    }

    public void End()
    {
        if (_joined is null) return;
        var text = _joined.ToString();
        _parts[^1] = _parts[^1] is ReasoningPart thought ? thought with { Text = text } : (TextPart)_parts[^1] with { Text = text };
        _joined = null;
    }

    private void Join(string before, string text) => (_joined ??= new StringBuilder(before)).Append(text);
}
