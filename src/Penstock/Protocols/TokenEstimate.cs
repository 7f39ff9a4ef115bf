using System.Text;

namespace Penstock.Protocols;

/// <summary>A guess at how many tokens something has: about four bytes of UTF-8 each. docs/conversations.md says how far off it is.</summary>
internal static class TokenEstimate
{
    public const int BytesPerToken = 4;

    // What a role and the marks around a message take, at most.
    private const long Message = 4;

    // What a picture takes at most providers, in the middle.
    private const long Media = 1000;

    public static long Of(long bytes) => (bytes + BytesPerToken - 1) / BytesPerToken;

    /// <summary>What a message takes of a model's window.</summary>
    public static long Of(Message message) => Message + Of(message.Parts.Sum(Bytes)) + message.Parts.Sum(Pictures);

    public static long Of(IReadOnlyList<Tool> tools) =>
        Of(tools.Sum(t => Encoding.UTF8.GetByteCount(t.Name) + Encoding.UTF8.GetByteCount(t.Description ?? "") + t.Parameters.Length));

    /// <summary>How long a part is, as JSON text has it; of a picture, nothing.</summary>
    public static long Bytes(Part part) => part switch
    {
        TextPart text => Encoding.UTF8.GetByteCount(text.Text),
        ReasoningPart reasoning => Encoding.UTF8.GetByteCount(reasoning.Text),
        ToolCallPart call => Encoding.UTF8.GetByteCount(call.Name) + Encoding.UTF8.GetByteCount(call.Arguments),
        ToolResultPart result => result.Content.Sum(Bytes),
        _ => 0,
    };

    private static long Pictures(Part part) => part switch
    {
        MediaPart => Media,
        ToolResultPart result => result.Content.Sum(Pictures),
        _ => 0,
    };
}
