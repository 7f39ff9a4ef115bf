namespace Penstock.Bench.Runner;

/// <summary>A protocol as the load speaks it.</summary>
/// <param name="Path">The request's path for a model.</param>
/// <param name="Body">Its JSON for a model.</param>
/// <param name="Ending">What ends a whole reply.</param>
sealed record ClientWire(Func<string, string> Path, Func<string, string> Body, string Ending)
{
    public static readonly ClientWire ChatCompletions = new(
        _ => "/v1/chat/completions",
        model => $$"""{"model":"{{model}}","stream":true,"messages":[{"role":"user","content":"Say something."}]}""",
        "[DONE]");

    public static readonly ClientWire Messages = new(
        _ => "/v1/messages",
        model => $$"""{"model":"{{model}}","stream":true,"max_tokens":4096,"messages":[{"role":"user","content":"Say something."}]}""",
        "\"message_stop\"");

    public static readonly ClientWire Gemini = new(
        model => $"/v1beta/models/{model}:streamGenerateContent?alt=sse",
        _ => """{"contents":[{"role":"user","parts":[{"text":"Say something."}]}]}""",
        "\"finishReason\"");
}
