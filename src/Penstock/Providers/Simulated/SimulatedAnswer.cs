namespace Penstock.Providers.Simulated;

internal enum SimulatedPart : byte
{
    /// <summary>The first word of a choice: who speaks.</summary>
    Role,
    Reasoning,
    Text,
    CallStart,
    CallArguments,
    Finish,
}

/// <summary>One step of an answer; a token, unless it is a Role or a Finish.</summary>
/// <param name="Choice">Which of the <c>n</c> answers it belongs to.</param>
/// <param name="Part">What it is.</param>
/// <param name="Text">The token; the name of the function that a call starts; the reason of a finish.</param>
/// <param name="Call">Which of the choice's calls it belongs to.</param>
/// <param name="First">Whether a call's start is the first that the choice says, and so tells the role.</param>
internal readonly record struct SimulatedStep(int Choice, SimulatedPart Part, ReadOnlyMemory<char> Text = default, int Call = 0, bool First = false)
{
    public bool IsToken => Part is not (SimulatedPart.Role or SimulatedPart.Finish);
}

/// <summary>Decides what is said, token by token, before any thought of bytes, time and faults.</summary>
internal static class SimulatedAnswer
{
    /// <summary>The steps of all choices, which take turns.</summary>
    public static IEnumerable<SimulatedStep> Steps(SimulatedRequest request)
    {
        var speaking = Enumerable.Range(0, request.Choices).Select(choice => Choice(request, choice).GetEnumerator()).ToList();
        while (speaking.Count > 0)
        {
            for (var i = 0; i < speaking.Count; i++)
            {
                if (speaking[i].MoveNext()) yield return speaking[i].Current;
                else speaking.RemoveAt(i--);
            }
        }
    }

    private static IEnumerable<SimulatedStep> Choice(SimulatedRequest request, int choice)
    {
        var calls = request.Calls.Count > 0;
        if (!calls || request.Model.Reason) yield return new(choice, SimulatedPart.Role);

        var left = request.MaxTokens ?? int.MaxValue;
        foreach (var step in Tokens(request, choice))
        {
            if (left-- == 0)
            {
                yield return new(choice, SimulatedPart.Finish, "length".AsMemory());
                yield break;
            }

            yield return step;
        }

        yield return new(choice, SimulatedPart.Finish, (calls ? "tool_calls" : "stop").AsMemory());
    }

    private static IEnumerable<SimulatedStep> Tokens(SimulatedRequest request, int choice)
    {
        if (request.Model.Reason)
        {
            foreach (var piece in SimulatedTokens.Cut(SimulatedText.Reasoning(request)))
                yield return new(choice, SimulatedPart.Reasoning, piece);
        }

        var content = request.Calls.Count > 0 ? Calls(request, choice) : Text(request, choice);
        foreach (var step in content) yield return step;
    }

    private static IEnumerable<SimulatedStep> Text(SimulatedRequest request, int choice)
    {
        var model = request.Model;
        if (model.Giant > 0) yield return new(choice, SimulatedPart.Text, new string('x', model.Giant).AsMemory());

        var tokens = SimulatedText.Paragraphs(request, model.Seed + choice, endless: model.Tokens is not null).SelectMany(SimulatedTokens.Cut);
        foreach (var piece in Rest(tokens.Take(model.Tokens ?? int.MaxValue), request.Prefix)) yield return new(choice, SimulatedPart.Text, piece);
    }

    /// <summary>What follows a prefix that was said before; all, where it was not.</summary>
    private static IEnumerable<ReadOnlyMemory<char>> Rest(IEnumerable<ReadOnlyMemory<char>> tokens, string prefix)
    {
        if (prefix.Length == 0) return tokens;
        var rest = new List<ReadOnlyMemory<char>>();
        var said = 0;
        foreach (var token in tokens)
        {
            var known = Math.Min(token.Length, prefix.Length - said);
            if (known > 0 && !token.Span[..known].SequenceEqual(prefix.AsSpan(said, known))) return tokens;
            said += Math.Max(known, 0);
            if (known < token.Length) rest.Add(token[Math.Max(known, 0)..]);
        }

        return rest;
    }

    private static IEnumerable<SimulatedStep> Calls(SimulatedRequest request, int choice)
    {
        for (var call = 0; call < request.Calls.Count; call++)
        {
            var (name, parameters) = request.Calls[call];
            yield return new(choice, SimulatedPart.CallStart, name.AsMemory(), call, First: call == 0 && !request.Model.Reason);
            foreach (var piece in SimulatedTokens.Cut(SimulatedArguments.Write(parameters, request.Prompt)))
                yield return new(choice, SimulatedPart.CallArguments, piece, call);
        }
    }
}
