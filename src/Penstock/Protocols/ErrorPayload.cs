using System.Text.Json;

namespace Penstock.Protocols;

/// <summary>
/// Knows a payload that says nothing in its protocol's words but tells of an error in others: servers that only resemble a
/// protocol have shapes of their own for it, and their words hold keys and addresses.
/// </summary>
internal static class ErrorPayload
{
    /// <param name="payload">A payload that gave no event.</param>
    public static bool Is(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty) return false;
        try
        {
            var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = JsonValue.MaxDepth });
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                var tells = reader.ValueTextEquals("error"u8); // at any depth, unless it is null
                var says = reader.CurrentDepth == 1 && (reader.ValueTextEquals("message"u8) || reader.ValueTextEquals("detail"u8));
                if (!tells && !says) continue;
                reader.Read();
                if (reader.TokenType == JsonTokenType.String || (tells && reader.TokenType is not (JsonTokenType.Null or JsonTokenType.False))) return true;
            }

            return false;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter of a name with half a surrogate pair
        {
            return true; // nobody knows what it says
        }
    }
}
