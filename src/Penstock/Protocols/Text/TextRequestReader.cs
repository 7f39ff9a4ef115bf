using System.Buffers;

namespace Penstock.Protocols.Text;

/// <summary>Reads <c>{"prompt": "…"}</c> or <c>{"query": "…", "uuid": "…"}</c>; query strings arrive here as such an object too.</summary>
internal static class TextRequestReader
{
    private static readonly SearchValues<char> _jobIdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    public static GenerationRequest Read(ReadOnlyMemory<byte> body, string protocol, string promptName)
    {
        using var document = RequestJson.Parse(body, $"{{\"{promptName}\": \"Hello\"}}");
        var root = document.RootElement;
        var prompt = RequestJson.Prompt(root, promptName);
        return new GenerationRequest
        {
            Protocol = protocol,
            Body = body,
            Model = RequestJson.Model(root),
            Messages = [new Message(Role.User, [new TextPart(prompt)])],
            Stream = true,
            JobId = ReadJobId(RequestJson.String(root, "uuid", "uuid")),
        };
    }

    private static string? ReadJobId(string? uuid) => uuid switch
    {
        null => null,
        { Length: 0 or > 128 } => throw RequestJson.Error("invalid_value", "uuid", $"'uuid' has {uuid.Length} characters: use 1 to 128."),
        _ when uuid.AsSpan().ContainsAnyExcept(_jobIdCharacters) =>
            throw RequestJson.Error("invalid_value", "uuid", "'uuid' holds a character that it may not: use letters, digits, '.', '_' and '-'."),
        _ => uuid,
    };
}
