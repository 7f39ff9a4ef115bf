using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Protocols.Responses;
using Penstock.Streams;

namespace Penstock.Generations.Conversations;

/// <summary>A conversation as its log has it by now.</summary>
/// <param name="Id"><c>conv_…</c></param>
/// <param name="Info">Its log.</param>
/// <param name="Head">How it stands.</param>
internal sealed record Conversation(string Id, StreamInfo Info, ConversationHead Head)
{
    /// <summary>What was said; null where only the newest record was read.</summary>
    public ConversationFold? Said { get; init; }
}

/// <summary>What a conversation's log is labelled with.</summary>
/// <param name="Owner">To whom it belongs; null for nobody in particular.</param>
/// <param name="BodyHash">What it was made with, for who makes it again with the same key.</param>
internal sealed record ConversationLabel(string? Owner, string? BodyHash)
{
    /// <summary>The conversation that it branched off; null for none.</summary>
    public string? From { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ConversationJson.Default.ConversationLabel);

    public static ConversationLabel Of(StreamInfo info) =>
        JsonSerializer.Deserialize(info.Metadata.Span, ConversationJson.Default.ConversationLabel) ?? throw new JsonException("A conversation's label is null.");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ConversationLabel))]
internal sealed partial class ConversationJson : JsonSerializerContext;
