using System.Buffers;
using Penstock.Protocols.History;

namespace Penstock.Protocols.Native;

/// <summary>Writes events as the JSON objects that the log keeps and the native endpoints show; docs/native.md explains each.</summary>
public static class NativeEventWriter
{
    private static ReadOnlySpan<byte> TypePrefix => "{\"type\":\""u8;

    /// <summary>Writes one event as a JSON object on one line whose first member is <c>type</c>; without framing.</summary>
    public static void Write(in GenerationEvent generationEvent, IBufferWriter<byte> output)
    {
        if (generationEvent.Kind == EventKind.Delta)
        {
            WriteDelta(generationEvent, output);
            return;
        }

        output.Write(TypePrefix);
        output.Write(NativeNames.Of(generationEvent.Kind));
        output.Write("\""u8);
        switch (generationEvent.Kind)
        {
            case EventKind.Attempt or EventKind.Reset:
                JsonText.WriteNumber(",\"attempt\":"u8, generationEvent.Attempt, output);
                WriteMember(",\"reason\":"u8, generationEvent.StopReason ?? "", output);
                if (generationEvent.Model is { } answering) WriteMember(",\"model\":"u8, answering, output);
                break;
            case EventKind.Started when generationEvent.Model is { } model:
                WriteMember(",\"model\":"u8, model, output);
                break;
            case EventKind.BlockStart:
                WriteBlockStart(generationEvent, output);
                break;
            case EventKind.BlockStop:
                JsonText.WriteNumber(",\"block\":"u8, generationEvent.Block, output);
                if (generationEvent.IsCut) output.Write(",\"cut\":true"u8);
                break;
            case EventKind.Usage when generationEvent.Usage is { } usage:
                WriteUsage(usage, output);
                break;
            case EventKind.Step:
                JsonText.WriteNumber(",\"step\":"u8, generationEvent.Step, output);
                if (generationEvent.Usage is { } soFar) WriteUsage(soFar, output);
                break;
            case EventKind.ToolRun:
                JsonText.WriteNumber(",\"block\":"u8, generationEvent.Block, output);
                break;
            case EventKind.Approval:
                WriteApproval(generationEvent, output);
                break;
            case EventKind.Trimmed when generationEvent.Trimmed is { } trimmed:
                WriteTrimmed(trimmed, output);
                break;
            case EventKind.Summary when generationEvent.Id is { } summarizer:
                WriteMember(",\"generation\":"u8, summarizer, output);
                break;
            case EventKind.Finished:
                WriteFinished(generationEvent, output);
                break;
            case EventKind.Stopped:
                WriteMember(",\"reason\":"u8, generationEvent.StopReason ?? "requested", output);
                break;
            case EventKind.Failed or EventKind.Interrupted when generationEvent.Error is { } error:
                WriteError(error, output);
                break;
        }

        JsonText.WriteNumber(",\"resetAt\":"u8, generationEvent.ResetAt, output);
        output.Write("}"u8);
    }

    /// <summary>The type of an event that <see cref="Write"/> wrote, a slice of it; no parsing.</summary>
    public static ReadOnlySpan<byte> TypeOf(ReadOnlySpan<byte> json)
    {
        if (!json.StartsWith(TypePrefix)) return default;
        json = json[TypePrefix.Length..];
        var end = json.IndexOf((byte)'"');
        return end < 0 ? default : json[..end];
    }

    private static void WriteDelta(in GenerationEvent delta, IBufferWriter<byte> output)
    {
        var writer = new SpanWriter(output.GetSpan(delta.Text.Length + delta.Signature.Length + delta.LogProbs.Length + delta.Citation.Length + 96));
        writer.Append("{\"type\":\"delta\",\"block\":"u8);
        writer.Append(delta.Block);
        writer.Append(",\"text\":\""u8);
        writer.Append(delta.Text);
        writer.Append("\""u8);
        if (!delta.Signature.IsEmpty)
        {
            writer.Append(",\"signature\":\""u8);
            writer.Append(delta.Signature);
            writer.Append("\""u8);
        }

        if (!delta.LogProbs.IsEmpty)
        {
            writer.Append(",\"logprobs\":"u8);
            writer.AppendOnOneLine(delta.LogProbs);
        }

        if (!delta.Citation.IsEmpty)
        {
            writer.Append(",\"citation\":"u8);
            writer.Append(delta.Citation);
        }

        writer.Append("}"u8);
        output.Advance(writer.Length);
    }

    private static void WriteBlockStart(in GenerationEvent start, IBufferWriter<byte> output)
    {
        JsonText.WriteNumber(",\"block\":"u8, start.Block, output);
        output.Write(",\"kind\":\""u8);
        output.Write(NativeNames.Of(start.BlockKind));
        output.Write("\""u8);
        if (start.Choice != 0) JsonText.WriteNumber(",\"choice\":"u8, start.Choice, output);
        if (start.Id is { } id) WriteMember(",\"id\":"u8, id, output);
        if (start.Name is { } name) WriteMember(",\"name\":"u8, name, output);
        if (start.Server is { } server) WriteMember(",\"server\":"u8, server, output);
        if (start.BlockKind != BlockKind.ToolResult) return;
        JsonText.WriteNumber(",\"call\":"u8, start.Call, output);
        if (start.IsError) output.Write(",\"isError\":true"u8);
    }

    private static void WriteApproval(in GenerationEvent approval, IBufferWriter<byte> output)
    {
        JsonText.WriteNumber(",\"block\":"u8, approval.Block, output);
        output.Write(",\"state\":\""u8);
        output.Write(NativeNames.Of(approval.Approval));
        output.Write("\""u8);
        if (approval.Id is { } id) WriteMember(",\"id\":"u8, id, output);
        if (approval.Name is { } name) WriteMember(",\"name\":"u8, name, output);
        if (approval.StopReason is { } reason) WriteMember(",\"reason\":"u8, reason, output);
    }

    /// <summary>What of a conversation was left out, as an object.</summary>
    internal static byte[] TrimmedObject(HistoryTrim trimmed)
    {
        var members = new ArrayBufferWriter<byte>();
        WriteTrimmed(trimmed, members);
        return [(byte)'{', .. members.WrittenSpan[1..], (byte)'}'];
    }

    private static void WriteTrimmed(HistoryTrim trimmed, IBufferWriter<byte> output)
    {
        JsonText.WriteNumber(",\"messages\":"u8, trimmed.Messages, output);
        JsonText.WriteNumber(",\"tokens\":"u8, trimmed.Tokens, output);
        JsonText.WriteNumber(",\"window\":"u8, trimmed.Window, output);
        output.Write(",\"source\":\""u8);
        output.Write(NativeNames.Of(trimmed.Source));
        output.Write("\""u8);
        if (trimmed.Summary is { } summary)
        {
            JsonText.WriteNumber(",\"summary\":{\"messages\":"u8, summary.Messages, output);
            JsonText.WriteNumber(",\"tokens\":"u8, summary.Tokens, output);
            WriteMember(",\"generation\":"u8, summary.Generation, output);
            output.Write("}"u8);
        }

        if (trimmed.SummaryError is { } error) WriteMember(",\"summaryError\":"u8, error, output);
    }

    private static void WriteUsage(Usage usage, IBufferWriter<byte> output)
    {
        JsonText.WriteNumber(",\"inputTokens\":"u8, usage.InputTokens, output);
        JsonText.WriteNumber(",\"outputTokens\":"u8, usage.OutputTokens, output);
        JsonText.WriteNumber(",\"totalTokens\":"u8, usage.TotalTokens, output);
        JsonText.WriteNumber(",\"cachedInputTokens\":"u8, usage.CachedInputTokens, output);
        JsonText.WriteNumber(",\"cacheWriteTokens\":"u8, usage.CacheWriteTokens, output);
        JsonText.WriteNumber(",\"reasoningTokens\":"u8, usage.ReasoningTokens, output);
        output.Write(",\"source\":\""u8);
        output.Write(NativeNames.Of(usage.Source));
        output.Write("\""u8);
    }

    private static void WriteFinished(in GenerationEvent finished, IBufferWriter<byte> output)
    {
        output.Write(",\"reason\":\""u8);
        output.Write(NativeNames.Of(finished.Reason));
        output.Write("\""u8);
        if (finished.Reasons is not { Count: > 0 } reasons) return;
        for (var i = 0; i < reasons.Count; i++)
        {
            output.Write(i == 0 ? ",\"reasons\":[\""u8 : ",\""u8);
            output.Write(NativeNames.Of(reasons[i]));
            output.Write("\""u8);
        }

        output.Write("]"u8);
    }

    private static void WriteError(GenerationError error, IBufferWriter<byte> output)
    {
        WriteMember(",\"error\":{\"code\":"u8, error.Code, output);
        WriteMember(",\"message\":"u8, error.Message, output);
        JsonText.WriteNumber(",\"status\":"u8, error.Status, output);
        JsonText.WriteNumber(",\"retryAfterMs\":"u8, (long?)error.RetryAfter?.TotalMilliseconds, output);
        output.Write("}"u8);
    }

    private static void WriteMember(ReadOnlySpan<byte> prefix, string value, IBufferWriter<byte> output)
    {
        output.Write(prefix);
        JsonText.WriteString(value, output);
    }
}
