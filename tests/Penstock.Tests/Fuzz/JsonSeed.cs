using System.Text;
using System.Text.Json;

namespace Penstock.Tests.Fuzz;

/// <summary>A JSON document to make others from, taken apart once.</summary>
internal sealed class JsonSeed
{
    public JsonSeed(string json)
    {
        Bytes = Encoding.UTF8.GetBytes(json);
        var values = new List<Range>();
        var members = new List<Range>();
        var names = new List<Range>();
        var open = new Stack<int>();
        var memberStarts = new Stack<int>();
        var reader = new Utf8JsonReader(Bytes, new JsonReaderOptions { MaxDepth = 1000 });
        while (reader.Read())
        {
            var start = (int)reader.TokenStartIndex;
            var end = (int)reader.BytesConsumed;
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    names.Add(start..(start + reader.ValueSpan.Length + 2));
                    memberStarts.Push(start);
                    continue;
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    open.Push(start);
                    memberStarts.Push(-1); // an array's values are no members
                    continue;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    start = open.Pop();
                    memberStarts.Pop();
                    break;
            }

            values.Add(start..end);
            if (memberStarts.TryPeek(out var member) && member >= 0)
            {
                members.Add(member..end);
                memberStarts.Pop();
            }
        }

        (Values, Members, Names) = (values, members, names);
    }

    public byte[] Bytes { get; }

    /// <summary>Where values stand, of any kind.</summary>
    public IReadOnlyList<Range> Values { get; }

    /// <summary>Where members stand, with their names.</summary>
    public IReadOnlyList<Range> Members { get; }

    public IReadOnlyList<Range> Names { get; }
}
