using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Penstock.Providers.Simulated;

/// <summary>Writes the frames of a streamed Chat Completions answer.</summary>
internal sealed class SimulatedChunks(SimulatedRequest request, ArrayBufferWriter<byte> output, long created)
{
    // As providers write it: UTF-8 as it is, not \u escapes.
    public static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly Utf8JsonWriter _json = new(output, JsonOptions);
    private readonly string _id = $"chatcmpl-{Guid.NewGuid():N}";
    private int _comments;

    public void Write(in SimulatedStep step)
    {
        Begin();
        _json.WriteStartArray("choices"u8);
        _json.WriteStartObject();
        _json.WriteNumber("index"u8, step.Choice);
        _json.WriteStartObject("delta"u8);
        WriteDelta(step);
        _json.WriteEndObject();
        _json.WriteNull("logprobs"u8);
        if (step.Part == SimulatedPart.Finish) _json.WriteString("finish_reason"u8, step.Text.Span);
        else _json.WriteNull("finish_reason"u8);
        _json.WriteEndObject();
        _json.WriteEndArray();
        if (request.IncludeUsage && !request.Model.NoUsage) _json.WriteNull("usage"u8);
        End();
    }

    public void WriteUsage(SimulatedUsage usage)
    {
        Begin();
        _json.WriteStartArray("choices"u8);
        _json.WriteEndArray();
        WriteUsage(_json, usage);
        End();
    }

    public void WriteDone() => output.Write("data: [DONE]\n\n"u8);

    public void WriteError()
    {
        output.Write("data: "u8);
        SimulatedErrors.Write(output, 500);
        output.Write("\n\n"u8);
    }

    /// <summary>A comment before the next frame: every other one with a blank line behind it, as providers differ.</summary>
    public void WriteComment() => output.Write(_comments++ % 2 == 0 ? ": PROCESSING\n\n"u8 : ": PROCESSING\n"u8);

    public static void WriteUsage(Utf8JsonWriter json, SimulatedUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.Prompt);
        json.WriteNumber("completion_tokens"u8, usage.Completion);
        json.WriteNumber("total_tokens"u8, usage.Prompt + usage.Completion);
        json.WriteStartObject("completion_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, usage.Reasoning);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    public static string CallId(int choice, int call) => $"call_simulated_{choice}_{call}";

    private void Begin()
    {
        output.Write("data: "u8);
        _json.Reset(output);
        _json.WriteStartObject();
        _json.WriteString("id"u8, _id);
        _json.WriteString("object"u8, "chat.completion.chunk"u8);
        _json.WriteNumber("created"u8, created);
        _json.WriteString("model"u8, request.Model.Name);
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        output.Write("\n\n"u8);
    }

    private void WriteDelta(in SimulatedStep step)
    {
        switch (step.Part)
        {
            case SimulatedPart.Role:
                _json.WriteString("role"u8, "assistant"u8);
                _json.WriteString("content"u8, ""u8);
                break;
            case SimulatedPart.Reasoning:
                _json.WriteString("reasoning_content"u8, step.Text.Span);
                break;
            case SimulatedPart.Text:
                _json.WriteString("content"u8, step.Text.Span);
                if (!request.Model.EmptyTools) break;
                _json.WriteStartArray("tool_calls"u8);
                _json.WriteEndArray();
                break;
            case SimulatedPart.CallStart or SimulatedPart.CallArguments:
                WriteCall(step);
                break;
        }
    }

    private void WriteCall(in SimulatedStep step)
    {
        var start = step.Part == SimulatedPart.CallStart;
        if (step.First)
        {
            _json.WriteString("role"u8, "assistant"u8);
            _json.WriteNull("content"u8);
        }

        _json.WriteStartArray("tool_calls"u8);
        _json.WriteStartObject();
        _json.WriteNumber("index"u8, step.Call);
        if (start)
        {
            _json.WriteString("id"u8, CallId(step.Choice, step.Call));
            _json.WriteString("type"u8, "function"u8);
        }

        _json.WriteStartObject("function"u8);
        if (start) _json.WriteString("name"u8, step.Text.Span);
        _json.WriteString("arguments"u8, start ? default : step.Text.Span);
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.WriteEndArray();
    }
}
