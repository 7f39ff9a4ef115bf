using System.Text;
using ModelContextProtocol.Protocol;

namespace Penstock.Mcp;

/// <summary>Makes one text of a result: models of every provider take that from a tool.</summary>
internal static class McpResults
{
    public static string Text(CallToolResult result)
    {
        var text = new StringBuilder();
        foreach (var block in result.Content)
        {
            if (Text(block) is not { Length: > 0 } piece) continue;
            if (text.Length > 0) text.Append('\n');
            text.Append(piece);
        }

        // What is structured is repeated as text, or should be.
        if (text.Length == 0 && result.StructuredContent is { } structured) text.Append(structured.GetRawText());
        return text.ToString();
    }

    private static string Text(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text,
        EmbeddedResourceBlock { Resource: TextResourceContents resource } => resource.Text,
        EmbeddedResourceBlock { Resource: { } resource } => $"[A resource is left out here: {resource.Uri} ({resource.MimeType ?? "of an unknown type"}).]",
        ResourceLinkBlock link => $"{link.Title ?? link.Name}: {link.Uri}",
        ImageContentBlock image => $"[An image is left out here ({image.MimeType}).]",
        AudioContentBlock audio => $"[A recording is left out here ({audio.MimeType}).]",
        _ => "",
    };
}
