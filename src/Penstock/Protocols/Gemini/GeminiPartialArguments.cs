using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>
/// The arguments of a call that come in pieces (<c>partialArgs</c>): values at JSON paths, of which strings may go on.
/// https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
/// </summary>
internal sealed class GeminiPartialArguments
{
    /// <summary>No tool has arguments deeper or longer than this; a bigger index is a broken one.</summary>
    private const int MaxItems = 10_000;
    private const int MaxDepth = 100;

    private readonly Node _root = new();
    private Node? _growing;

    /// <summary>Takes one list of pieces; true when the last of them goes on.</summary>
    public bool Take(ReadOnlySpan<byte> partialArgs)
    {
        var goesOn = false;
        var reader = new Utf8JsonReader(partialArgs);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            string? path = null;
            ReadOnlySpan<byte> text = default, value = default;
            var isText = false;
            goesOn = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("jsonPath"u8)) path = JsonText.ToText(JsonValue.Inside(JsonValue.Read(ref reader, partialArgs)));
                else if (reader.ValueTextEquals("willContinue"u8)) goesOn = JsonValue.Read(ref reader, partialArgs).SequenceEqual("true"u8);
                else if (reader.ValueTextEquals("stringValue"u8))
                {
                    text = JsonValue.Inside(JsonValue.Read(ref reader, partialArgs));
                    isText = true;
                }
                else if (reader.ValueTextEquals("nullValue"u8))
                {
                    reader.Read();
                    value = "null"u8;
                }
                else if (reader.ValueTextEquals("numberValue"u8) || reader.ValueTextEquals("boolValue"u8))
                {
                    value = JsonValue.Read(ref reader, partialArgs);
                }
                else
                {
                    reader.Skip();
                }
            }

            if (path is null || Find(path) is not { } node) continue;
            // Text of the same path goes on where it stopped; anything else is the value.
            if (isText) (node.Text = node == _growing ? node.Text ?? new() : new()).Write(text);
            else if (!value.IsEmpty) node.Value = value.ToArray();
            _growing = goesOn ? node : null;
        }

        return goesOn;
    }

    /// <summary>Writes the arguments as a JSON object; nothing when there were none.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        if (_root.Members is not null) _root.Write(output);
    }

    /// <summary>The node at a path such as <c>$.a.b[0]['c d']</c>, made where it is missing; null for what is no path.</summary>
    private Node? Find(string path)
    {
        var rest = path.AsSpan();
        if (rest is not ['$', ..]) return null;
        rest = rest[1..];
        var node = _root;
        for (var depth = 0; !rest.IsEmpty; depth++)
        {
            if (depth > MaxDepth) return null;
            if (rest is ['.', ..])
            {
                rest = rest[1..];
                var end = rest.IndexOfAny('.', '[');
                if (end < 0) end = rest.Length;
                node = node.Member(rest[..end].ToString());
                rest = rest[end..];
            }
            else if (rest is ['[', '\'' or '"', ..])
            {
                var end = rest[2..].IndexOf($"{rest[1]}]");
                if (end < 0) return null;
                node = node.Member(rest.Slice(2, end).ToString());
                rest = rest[(end + 4)..];
            }
            else
            {
                var end = rest.IndexOf(']');
                if (end < 0 || rest[0] != '[' || !int.TryParse(rest[1..end], out var item) || item is < 0 or > MaxItems) return null;
                node = node.Item(item);
                rest = rest[(end + 1)..];
            }
        }

        return node;
    }

    private sealed class Node
    {
        public List<(string Name, Node Value)>? Members { get; private set; }

        public List<Node>? Items { get; private set; }

        /// <summary>The inside of a string.</summary>
        public ArrayBufferWriter<byte>? Text { get; set; }

        /// <summary>Any other value, raw.</summary>
        public byte[]? Value { get; set; }

        public Node Member(string name)
        {
            Members ??= [];
            foreach (var (known, value) in Members)
            {
                if (known == name) return value;
            }

            Members.Add((name, new Node()));
            return Members[^1].Value;
        }

        public Node Item(int item)
        {
            Items ??= [];
            while (Items.Count <= item) Items.Add(new Node());
            return Items[item];
        }

        public void Write(IBufferWriter<byte> output)
        {
            if (Members is not null)
            {
                var separator = "{"u8;
                foreach (var (name, value) in Members)
                {
                    output.Write(separator);
                    JsonText.WriteString(name, output);
                    output.Write(":"u8);
                    value.Write(output);
                    separator = ","u8;
                }

                output.Write("}"u8);
            }
            else if (Items is not null)
            {
                var separator = "["u8;
                foreach (var item in Items)
                {
                    output.Write(separator);
                    item.Write(output);
                    separator = ","u8;
                }

                output.Write("]"u8);
            }
            else if (Text is not null)
            {
                output.Write("\""u8);
                output.Write(Text.WrittenSpan);
                output.Write("\""u8);
            }
            else
            {
                output.Write(Value ?? "null"u8);
            }
        }
    }
}
