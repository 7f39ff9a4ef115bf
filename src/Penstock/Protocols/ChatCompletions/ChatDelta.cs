namespace Penstock.Protocols.ChatCompletions;

/// <summary>What one chunk adds to one choice: the raw JSON of its members, each empty where it is absent.</summary>
internal ref struct ChatDelta
{
    /// <summary>A string; or an array of parts, thinking among them (Mistral).</summary>
    public ReadOnlySpan<byte> Content;

    /// <summary>Reasoning as DeepSeek, vLLM, xAI and Moonshot name it.</summary>
    public ReadOnlySpan<byte> ReasoningContent;

    /// <summary>Reasoning as Groq and OpenRouter name it.</summary>
    public ReadOnlySpan<byte> Reasoning;

    /// <summary>The same reasoning once more, with signatures (OpenRouter).</summary>
    public ReadOnlySpan<byte> ReasoningDetails;

    public ReadOnlySpan<byte> Refusal;

    public ReadOnlySpan<byte> ToolCalls;

    /// <summary>The only tool call, in the form before tools.</summary>
    public ReadOnlySpan<byte> FunctionCall;

    public ReadOnlySpan<byte> LogProbs;

    /// <summary>Sources.</summary>
    public ReadOnlySpan<byte> Annotations;

    /// <summary>Images that the model made (OpenRouter).</summary>
    public ReadOnlySpan<byte> Images;
}
