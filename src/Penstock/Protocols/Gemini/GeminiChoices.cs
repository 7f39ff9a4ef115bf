using System.Buffers;

namespace Penstock.Protocols.Gemini;

/// <summary>What the last chunk says of each answer beside its parts: why it finished, and its sources.</summary>
internal sealed class GeminiChoices
{
    private Choice[] _choices = [];

    /// <summary>Takes a delta of a text block.</summary>
    public void TakeText(int choice, in GenerationEvent delta)
    {
        var state = Of(choice);
        // Places in a text count bytes here and characters elsewhere.
        state.IsAscii &= !delta.Text.ContainsAnyExceptInRange((byte)0, (byte)0x7f) && delta.Text.IndexOf("\\u"u8) < 0;
        if (!delta.Citation.IsEmpty) (state.Citations ??= []).Add(Citation.Read(delta.Citation));
    }

    /// <summary>A tool was called with what is no JSON object.</summary>
    public void SetMalformed(int choice) => Of(choice).Malformed = true;

    public void Clear() => _choices = [];

    /// <summary>Writes <c>,"finishReason":…</c> and what goes with it.</summary>
    public void WriteFinish(int choice, FinishReason reason, IBufferWriter<byte> output)
    {
        var state = choice < _choices.Length ? _choices[choice] : null;
        output.Write(",\"finishReason\":\""u8);
        output.Write(GeminiFinish.Write(reason, state?.Malformed ?? false));
        output.Write("\""u8);
        if (state is not null) GeminiSources.WriteMember(state.Citations, state.IsAscii, output);
    }

    private Choice Of(int choice)
    {
        if (choice >= _choices.Length)
        {
            var had = _choices.Length;
            Array.Resize(ref _choices, choice + 1);
            for (var i = had; i < _choices.Length; i++) _choices[i] = new Choice();
        }

        return _choices[choice];
    }

    private sealed class Choice
    {
        public List<Citation>? Citations { get; set; }

        public bool IsAscii { get; set; } = true;

        public bool Malformed { get; set; }
    }
}
