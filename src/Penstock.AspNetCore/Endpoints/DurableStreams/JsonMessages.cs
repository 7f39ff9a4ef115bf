using System.Text.Json;
using System.Text.Unicode;
using Penstock.Protocols;
using Penstock.Streams;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>JSON mode: a body is one message, or, if it is an array, one for each of its elements.</summary>
internal static class JsonMessages
{
    private static readonly JsonReaderOptions _options = new() { MaxDepth = 512 };

    /// <summary>Checks a body and adds its messages to a batch, as they are written.</summary>
    /// <exception cref="RequestException">It is not JSON.</exception>
    public static void Add(ReadOnlySpan<byte> body, StreamBatch batch)
    {
        if (!Utf8.IsValid(body)) throw Invalid("it is not UTF-8");
        var reader = new Utf8JsonReader(body, _options);
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) AddValue(ref reader, body, batch);
            }
            else
            {
                AddValue(ref reader, body, batch);
            }

            while (reader.Read())
            {
                // What follows the value is white space, or an error.
            }
        }
        catch (JsonException e)
        {
            throw Invalid($"line {e.LineNumber + 1}, byte {e.BytePositionInLine}");
        }
    }

    private static void AddValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, StreamBatch batch)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        batch.Add(body[start..(int)reader.BytesConsumed]);
    }

    private static RequestException Invalid(string where) => new($"The body is not valid JSON: {where}.") { Code = "invalid_json" };
}
