using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace Penstock.Bench.Upstream;

/// <summary>A request, as far as the scripted upstream cares.</summary>
/// <param name="Model">What to send; null when the name is none of the bench's or the request does not stream.</param>
/// <param name="Name">The model's name, for the reply.</param>
/// <param name="IncludeUsage">Whether to end with a usage chunk.</param>
/// <param name="Wire">The protocol to answer in.</param>
sealed record UpstreamRequest(BenchModel? Model, string Name, bool IncludeUsage, UpstreamWire? Wire)
{
    /// <summary>Takes one whole HTTP request off the front of <paramref name="input"/>; 0 consumed when it is not all there.</summary>
    public static UpstreamRequest? TryRead(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        var headLength = input.IndexOf("\r\n\r\n"u8) + 4;
        if (headLength < 4) return null;
        var head = Encoding.ASCII.GetString(input[..headLength]);
        var body = input[headLength..];
        if (head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
        {
            if (Dechunk(body, out var length) is not { } whole) return null;
            consumed = headLength + length;
            return Parse(head, whole);
        }

        var declared = ContentLength(head);
        if (body.Length < declared) return null;
        consumed = headLength + declared;
        return Parse(head, body[..declared]);
    }

    static int ContentLength(string head)
    {
        const string Field = "\r\nContent-Length:";
        var at = head.IndexOf(Field, StringComparison.OrdinalIgnoreCase);
        if (at < 0) return 0;
        at += Field.Length;
        return int.Parse(head.AsSpan(at, head.IndexOf('\r', at) - at));
    }

    static byte[]? Dechunk(ReadOnlySpan<byte> input, out int length)
    {
        var body = new List<byte>();
        length = 0;
        while (Utf8Parser.TryParse(input[length..], out int size, out var digits, 'x') && input.Length >= length + digits + size + 4)
        {
            length += digits + 2;
            body.AddRange(input.Slice(length, size));
            length += size + 2;
            if (size == 0) return [.. body];
        }

        return null;
    }

    static UpstreamRequest Parse(string head, ReadOnlySpan<byte> json)
    {
        var path = head.Split(' ', 3)[1].Split('?')[0];
        var wire = UpstreamWire.Of(path);
        var name = wire?.ModelIn(path) ?? "";
        bool stream = name.Length > 0, includeUsage = false;
        try
        {
            var reader = new Utf8JsonReader(json);
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                if (reader.CurrentDepth == 1 && reader.ValueTextEquals("model"u8) && reader.Read()) name = reader.GetString() ?? "";
                else if (reader.CurrentDepth == 1 && reader.ValueTextEquals("stream"u8) && reader.Read()) stream = reader.GetBoolean();
                else if (reader.CurrentDepth == 2 && reader.ValueTextEquals("include_usage"u8) && reader.Read()) includeUsage = reader.GetBoolean();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            stream = false;
        }

        return new UpstreamRequest(stream && wire is not null ? BenchModel.Parse(name) : null, name, includeUsage, wire);
    }
}
