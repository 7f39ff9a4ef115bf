using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Writes the members of a Chat Completions body for a request of another protocol, all but <c>model</c> and <c>stream</c>.</summary>
internal static class ChatCompletionsTranslation
{
    /// <summary>Writes <c>,"messages":[…],…</c>.</summary>
    /// <exception cref="RequestException">The request holds what cannot be said and cannot be left out.</exception>
    public static void Write(GenerationRequest request, string maxTokensName, IBufferWriter<byte> output, DroppedFields dropped)
    {
        dropped.TakeOwnFields(request, ChatCompletionsProtocol.ProtocolName);
        var members = new ArrayBufferWriter<byte>();
        using (var json = JsonOutput.New(members))
        {
            json.WriteStartObject();
            json.WriteStartArray("messages"u8);
            new ChatCompletionsMessagesWriter(json, dropped).Write(request.AllMessages);
            json.WriteEndArray();
            WriteTools(request.AllTools, json, dropped);
            if (request.Settings.ToolChoice is { } choice && !OwnBody.IsForced(request)) WriteToolChoice(choice.Value, json);
            if (request.Settings.MaxOutputTokens is { } max) json.WriteNumber(maxTokensName, max.Value);
            WriteSettings(request.Settings, json, dropped);
            json.WriteEndObject();
        }

        output.Write(","u8);
        output.Write(members.WrittenSpan[1..^1]);
    }

    private static void WriteTools(IReadOnlyList<Tool> tools, Utf8JsonWriter json, DroppedFields dropped)
    {
        if (tools.Count == 0) return;
        dropped.DropCacheControl(tools);
        json.WriteStartArray("tools"u8);
        foreach (var tool in tools) WriteTool(tool, json);
        json.WriteEndArray();
    }

    public static void WriteTool(Tool tool, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.Text("name"u8, tool.Name);
        if (tool.Description is { } description) json.Text("description"u8, description);
        if (!tool.Parameters.IsEmpty) json.Raw("parameters"u8, tool.Parameters);
        if (tool.Strict is { } strict) json.WriteBoolean("strict"u8, strict);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteSettings(GenerationSettings settings, Utf8JsonWriter json, DroppedFields dropped)
    {
        json.Number("temperature"u8, settings.Temperature);
        json.Number("top_p"u8, settings.TopP);
        dropped.Drop(settings.TopK);
        json.Number("frequency_penalty"u8, settings.FrequencyPenalty);
        json.Number("presence_penalty"u8, settings.PresencePenalty);
        if (settings.Seed is { } seed) json.WriteNumber("seed"u8, seed.Value);
        json.Number("n"u8, settings.Choices);
        if (settings.StopSequences is { Value.Count: > 0 } stop)
        {
            json.WriteStartArray("stop"u8);
            foreach (var sequence in stop.Value) json.Text(sequence);
            json.WriteEndArray();
        }

        if (settings.LogProbs is { } logProbs)
        {
            json.WriteBoolean("logprobs"u8, true);
            if (logProbs.Value > 0) json.WriteNumber("top_logprobs"u8, logProbs.Value);
        }

        json.Boolean("parallel_tool_calls"u8, settings.ParallelToolCalls);
        if (settings.Format is { } format) WriteFormat(format.Value, json);
        if (settings.Reasoning is { } reasoning)
        {
            if (reasoning.Value.ToEffort() is { } effort) json.WriteString("reasoning_effort"u8, effort);
            else dropped.Drop(reasoning.Name);
        }

        if (settings.User is { } user) json.Text("user"u8, user.Value);
        dropped.Drop(settings.Metadata); // OpenAI takes it for what it stores only, and others not at all
    }

    private static void WriteToolChoice(ToolChoice choice, Utf8JsonWriter json)
    {
        if (choice.Names.Count == 0 || choice.Mode == ToolChoiceMode.None)
        {
            json.WriteString("tool_choice"u8, choice.Mode switch { ToolChoiceMode.None => "none"u8, ToolChoiceMode.Required => "required"u8, _ => "auto"u8 });
            return;
        }

        json.WriteStartObject("tool_choice"u8);
        if (choice is { Mode: ToolChoiceMode.Required, Names: [var only] })
        {
            WriteFunctionName(only, json);
        }
        else
        {
            json.WriteString("type"u8, "allowed_tools"u8);
            json.WriteStartObject("allowed_tools"u8);
            json.WriteString("mode"u8, choice.Mode == ToolChoiceMode.Required ? "required"u8 : "auto"u8);
            json.WriteStartArray("tools"u8);
            foreach (var name in choice.Names)
            {
                json.WriteStartObject();
                WriteFunctionName(name, json);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteFunctionName(string name, Utf8JsonWriter json)
    {
        json.WriteString("type"u8, "function"u8);
        json.WriteStartObject("function"u8);
        json.Text("name"u8, name);
        json.WriteEndObject();
    }

    private static void WriteFormat(AnswerFormat format, Utf8JsonWriter json)
    {
        json.WriteStartObject("response_format"u8);
        if (format.Schema.IsEmpty)
        {
            json.WriteString("type"u8, "json_object"u8);
        }
        else
        {
            json.WriteString("type"u8, "json_schema"u8);
            json.WriteStartObject("json_schema"u8);
            json.Text("name"u8, format.Name ?? "answer");
            if (format.Description is { } description) json.Text("description"u8, description);
            json.Raw("schema"u8, format.Schema);
            if (format.Strict is { } strict) json.WriteBoolean("strict"u8, strict);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
