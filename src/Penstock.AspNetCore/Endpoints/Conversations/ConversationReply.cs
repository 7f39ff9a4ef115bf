using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Penstock.Generations.Conversations;
using Penstock.Protocols;
using Penstock.Protocols.Responses;

namespace Penstock.AspNetCore.Endpoints.Conversations;

/// <summary>What clients are told about conversations, in OpenAI's shapes.</summary>
internal static class ConversationReply
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;

    public static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await using var json = JsonOutput.New(context.Response.BodyWriter);
        write(json);
    }

    public static void WriteConversation(Utf8JsonWriter json, Conversation conversation)
    {
        json.WriteStartObject();
        WriteMembers(json, conversation, "conversation"u8);
        json.WriteEndObject();
    }

    /// <summary>All that is kept of a conversation.</summary>
    public static void WriteExport(Utf8JsonWriter json, Conversation conversation)
    {
        json.WriteStartObject();
        WriteMembers(json, conversation, "conversation.export"u8);
        json.WriteStartArray("items"u8);
        foreach (var item in conversation.Said!.Items) json.WriteRawValue(item.Json.Span, skipInputValidation: true);
        json.WriteEndArray();
        json.WriteStartArray("responses"u8);
        foreach (var turn in conversation.Said.Turns) json.WriteStringValue(ProtocolId.Of("resp_", turn));
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>A list of what has ids.</summary>
    public static void WriteList<T>(Utf8JsonWriter json, IReadOnlyList<T> page, Func<T, string> idOf, Action<T> write, bool hasMore)
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var entry in page) write(entry);
        json.WriteEndArray();
        if (page.Count == 0) json.WriteNull("first_id"u8);
        else json.Text("first_id"u8, idOf(page[0]));
        if (page.Count == 0) json.WriteNull("last_id"u8);
        else json.Text("last_id"u8, idOf(page[^1]));
        json.WriteBoolean("has_more"u8, hasMore);
        json.WriteEndObject();
    }

    public static void WriteItems(Utf8JsonWriter json, IReadOnlyList<ConversationItem> page, bool hasMore) =>
        WriteList(json, page, item => item.Id, item => json.WriteRawValue(item.Json.Span, skipInputValidation: true), hasMore);

    /// <summary>How many a list shall have: <c>limit</c>.</summary>
    public static int LimitOf(HttpContext context)
    {
        var text = context.Request.Query["limit"].ToString();
        if (text.Length == 0) return DefaultLimit;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= MaxLimit
            ? limit
            : throw new RequestException($"limit is '{text}'; it must be a number from 1 to {MaxLimit}.") { Param = "limit" };
    }

    private static void WriteMembers(Utf8JsonWriter json, Conversation conversation, ReadOnlySpan<byte> type)
    {
        json.WriteString("id"u8, conversation.Id);
        json.WriteString("object"u8, type);
        json.WriteNumber("created_at"u8, conversation.Info.CreatedAt.ToUnixTimeSeconds());
        json.Raw("metadata"u8, conversation.Head.Metadata);
    }
}
