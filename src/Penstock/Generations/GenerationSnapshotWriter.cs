using System.Buffers;
using System.Text.Json;
using Penstock.Protocols;
using Penstock.Protocols.Native;

namespace Penstock.Generations;

/// <summary>Writes a snapshot as the native endpoints show it.</summary>
internal static class GenerationSnapshotWriter
{
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="json">Takes it.</param>
    /// <param name="isFromCache">It serves a request that somebody asked before: nobody uses its tokens again.</param>
    public static void Write(GenerationSnapshot snapshot, Utf8JsonWriter json, bool isFromCache = false)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, snapshot.Id);
        json.WriteString("status"u8, snapshot.Status);
        json.WriteString("model"u8, snapshot.Model);
        json.WriteString("createdAt"u8, snapshot.CreatedAt);
        if (snapshot.UpdatedAt is { } updatedAt) json.WriteString("updatedAt"u8, updatedAt);
        json.WritePropertyName("text"u8);
        WriteText(json, snapshot.Blocks.Where(b => b is { Kind: BlockKind.Text, Choice: 0 }).Select(b => b.Text));
        json.WriteStartArray("blocks"u8);
        foreach (var block in snapshot.Blocks) WriteBlock(json, block);
        json.WriteEndArray();
        if (snapshot.Trimmed is { } trimmed)
        {
            json.WritePropertyName("trimmed"u8);
            json.WriteRawValue(NativeEventWriter.TrimmedObject(trimmed), skipInputValidation: true);
        }

        json.WritePropertyName("usage"u8);
        WriteUsage(json, snapshot.Usage, isFromCache);
        if (isFromCache) json.WriteString("cache"u8, "hit"u8);
        if (snapshot.FinishReason is { } reason) json.WriteString("finishReason"u8, NativeNames.Of(reason));
        if (snapshot.StopReason is { } stop) json.WriteString("stopReason"u8, stop);
        if (snapshot.Error is { } error)
        {
            json.WriteStartObject("error"u8);
            json.WriteString("code"u8, error.Code);
            json.WriteString("message"u8, error.Message);
            json.WriteEndObject();
        }

        if (snapshot.SummaryFor is { } answer) json.WriteString("summaryFor"u8, answer);
        json.WriteNumber("offset"u8, snapshot.Offset);
        if (snapshot.Owner is { } owner) json.WriteString("owner"u8, owner);
        if (snapshot.Watchers is { } watchers) WriteWatchers(json, watchers, snapshot.Offset);
        json.WriteEndObject();
    }

    private static void WriteWatchers(Utf8JsonWriter json, IReadOnlyList<long> watchers, long last)
    {
        json.WriteStartArray("watchers"u8);
        foreach (var offset in watchers)
        {
            json.WriteStartObject();
            json.WriteNumber("offset"u8, offset);
            json.WriteNumber("lag"u8, Math.Max(0, last - offset)); // it may have been given more since the log was read
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteBlock(Utf8JsonWriter json, SnapshotBlock block)
    {
        json.WriteStartObject();
        json.WriteNumber("block"u8, block.Block);
        json.WriteString("kind"u8, NativeNames.Of(block.Kind));
        if (block.Choice > 0) json.WriteNumber("choice"u8, block.Choice);
        if (block.Id is { } id) json.WriteString("id"u8, id);
        if (block.Name is { } name) json.WriteString("name"u8, name);
        if (block.Server is { } server) json.WriteString("server"u8, server);
        if (block.Kind == BlockKind.ToolResult) json.WriteNumber("call"u8, block.Call);
        if (block.IsError) json.WriteBoolean("isError"u8, true);
        if (block.IsRun) json.WriteBoolean("run"u8, true);
        if (block.Approval is { } approval) json.WriteString("approval"u8, NativeNames.Of(approval));
        if (block.ApprovalReason is { } reason) json.Text("approvalReason"u8, reason);
        json.WritePropertyName("text"u8);
        WriteText(json, [block.Text]);
        if (block.Signature.WrittenCount > 0)
        {
            json.WritePropertyName("signature"u8);
            WriteText(json, [block.Signature]);
        }

        WriteList(json, "citations"u8, block.Citations);
        WriteList(json, "logprobs"u8, block.LogProbs);
        if (block.IsOpen) json.WriteBoolean("open"u8, true);

        json.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<byte[]> values)
    {
        var begun = false;
        foreach (var value in values)
        {
            if (!begun) json.WriteStartArray(name);
            begun = true;
            json.WriteRawValue(value, skipInputValidation: true);
        }

        if (begun) json.WriteEndArray();
    }

    private static void WriteUsage(Utf8JsonWriter json, Usage? usage, bool isFromCache)
    {
        if (usage is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        Number("inputTokens"u8, usage.InputTokens);
        Number("outputTokens"u8, usage.OutputTokens);
        Number("totalTokens"u8, usage.TotalTokens);
        Number("cachedInputTokens"u8, usage.CachedInputTokens);
        Number("cacheWriteTokens"u8, usage.CacheWriteTokens);
        Number("reasoningTokens"u8, usage.ReasoningTokens);
        json.WriteString("source"u8, isFromCache ? "cache"u8 : NativeNames.Of(usage.Source));
        json.WriteEndObject();

        void Number(ReadOnlySpan<byte> name, long? value)
        {
            if (value is { } number) json.WriteNumber(name, number);
        }
    }

    // The pieces are escaped already.
    private static void WriteText(Utf8JsonWriter json, IEnumerable<ArrayBufferWriter<byte>> pieces)
    {
        var text = new ArrayBufferWriter<byte>();
        text.Write("\""u8);
        foreach (var piece in pieces) text.Write(piece.WrittenSpan);
        text.Write("\""u8);
        json.WriteRawValue(text.WrittenSpan, skipInputValidation: true);
    }
}
