using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>Raw JSON values, as slices of the payload they stand in.</summary>
internal static class JsonValue
{
    /// <summary>How deeply JSON may nest that came from outside: what was taken once must be read again later.</summary>
    public const int MaxDepth = 256;

    private const long MostCounted = 1_000_000_000_000;

    /// <summary>Moves past the value that follows the current property name (or array start) and returns its bytes.</summary>
    public static ReadOnlySpan<byte> Read(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        return ReadCurrent(ref reader, json);
    }

    /// <summary>Moves to the end of the value that the reader stands on and returns its bytes.</summary>
    public static ReadOnlySpan<byte> ReadCurrent(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
    }

    /// <summary>What a provider may have counted: more, or less than nothing, it has not, and sums of it would overflow.</summary>
    public static bool IsCount(long number) => number is >= 0 and <= MostCounted;

    /// <summary>Moves past the value that follows the current property name: its number if it is a whole one that may have been counted, else null.</summary>
    public static long? ReadCount(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) && IsCount(number)) return number;
        reader.Skip();
        return null;
    }

    /// <summary>The value of a member of an object; empty where there is none, or the value is no object.</summary>
    public static ReadOnlySpan<byte> Member(ReadOnlySpan<byte> value, ReadOnlySpan<byte> name)
    {
        if (!IsObject(value)) return default;
        var reader = new Utf8JsonReader(value, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals(name)) return Read(ref reader, value);
            reader.Skip();
        }

        return default;
    }

    /// <summary>The inside of a string value, still escaped; empty for every other value.</summary>
    public static ReadOnlySpan<byte> Inside(ReadOnlySpan<byte> value) => IsString(value) ? value[1..^1] : default;

    public static bool IsString(ReadOnlySpan<byte> value) => value is [(byte)'"', ..];

    public static bool IsObject(ReadOnlySpan<byte> value) => value is [(byte)'{', ..];

    public static bool IsArray(ReadOnlySpan<byte> value) => value is [(byte)'[', ..];

    /// <summary>Whether it is one whole JSON object and nothing more.</summary>
    public static bool IsWholeObject(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
