using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>Reads objects member by member: what was written here, and is read too often for a serializer.</summary>
internal static class JsonMembers
{
    /// <summary>Whether the object that was begun has one more member; the reader is then at its name.</summary>
    public static bool IsNext(ref Utf8JsonReader json) => json.Read() && json.TokenType == JsonTokenType.PropertyName;

    /// <summary>Whether the member has this name; the reader is then at its value.</summary>
    public static bool Is(ref Utf8JsonReader json, ReadOnlySpan<byte> name) => json.ValueTextEquals(name) && json.Read();
}
