namespace Penstock.Bench.Runner;

/// <summary>A protocol as the load speaks it.</summary>
/// <param name="Name">The protocol's name: that of the gateway's provider too.</param>
/// <param name="BasePath">Where a provider's paths begin.</param>
/// <param name="Path">The request's path for a model.</param>
/// <param name="Body">Its JSON for a model.</param>
/// <param name="Ending">What ends a whole reply.</param>
sealed record ClientWire(string Name, string BasePath, Func<string, string> Path, Func<string, string> Body, string Ending)
{
    /// <summary>Whether a reply says its text again behind the ending mark.</summary>
    public bool Repeats { get; init; }

    public static readonly ClientWire ChatCompletions = new(
        "chat-completions", "/v1",
        _ => "/v1/chat/completions",
        model => $$"""{"model":"{{model}}","stream":true,"messages":[{"role":"user","content":"Say something."}]}""",
        "[DONE]");

    public static readonly ClientWire Responses = new(
        "responses", "/v1",
        _ => "/v1/responses",
        model => $$"""{"model":"{{model}}","stream":true,"input":"Say something."}""",
        "\"response.output_text.done\"")
    {
        Repeats = true,
    };

    public static readonly ClientWire Messages = new(
        "messages", "",
        _ => "/v1/messages",
        model => $$"""{"model":"{{model}}","stream":true,"max_tokens":4096,"messages":[{"role":"user","content":"Say something."}]}""",
        "\"message_stop\"");

    public static readonly ClientWire Gemini = new(
        "gemini", "/v1beta",
        model => $"/v1beta/models/{model}:streamGenerateContent?alt=sse",
        _ => """{"contents":[{"role":"user","parts":[{"text":"Say something."}]}]}""",
        "\"finishReason\"");

    public static readonly ClientWire[] All = [ChatCompletions, Responses, Messages, Gemini];
}
