using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Writes the members of a Responses body for a request of another protocol, all but <c>model</c> and <c>stream</c>.</summary>
internal static class ResponsesTranslation
{
    /// <summary>Writes <c>,"input":[…],…</c>.</summary>
    /// <exception cref="RequestException">The request holds what cannot be said and cannot be left out.</exception>
    public static void Write(GenerationRequest request, string model, IBufferWriter<byte> output, DroppedFields dropped)
    {
        dropped.TakeOwnFields(request, ResponsesProtocol.ProtocolName);
        var members = new ArrayBufferWriter<byte>();
        using (var json = JsonOutput.New(members))
        {
            json.WriteStartObject();
            var messages = request.AllMessages;
            if (messages is [{ Role: Role.System } system, ..] && system.Parts.All(p => p is TextPart))
            {
                json.Text("instructions"u8, system.Text);
                dropped.DropCacheControl(system.Parts);
                messages = [.. messages.Skip(1)];
            }

            json.WriteStartArray("input"u8);
            new ResponsesInputWriter(json, dropped).Write(messages);
            json.WriteEndArray();
            WriteTools(request.AllTools, json, dropped);
            if (request.Settings.ToolChoice is { } choice && !OwnBody.IsForced(request)) WriteToolChoice(choice.Value, json);
            WriteSettings(request.Settings, json, dropped);
            WriteInclude(request, model, json);
            json.WriteBoolean("store"u8, false); // nobody could fetch it by the provider's id
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
        json.Text("name"u8, tool.Name);
        if (tool.Description is { } description) json.Text("description"u8, description);
        if (tool.Parameters.IsEmpty) json.WriteNull("parameters"u8);
        else json.Raw("parameters"u8, tool.Parameters);
        json.WriteBoolean("strict"u8, tool.Strict ?? false); // which is what not saying it means elsewhere, and here does not
        json.WriteEndObject();
    }

    private static void WriteSettings(GenerationSettings settings, Utf8JsonWriter json, DroppedFields dropped)
    {
        if (settings.Choices is { Value: > 1 } choices) throw DroppedFields.Refuse(choices.Name, ResponsesProtocol.ProtocolName);
        if (settings.StopSequences is { Value.Count: > 0 } stop) throw DroppedFields.Refuse(stop.Name, ResponsesProtocol.ProtocolName);
        json.Number("max_output_tokens"u8, settings.MaxOutputTokens);
        json.Number("temperature"u8, settings.Temperature);
        json.Number("top_p"u8, settings.TopP);
        dropped.Drop(settings.TopK);
        dropped.Drop(settings.FrequencyPenalty);
        dropped.Drop(settings.PresencePenalty);
        dropped.Drop(settings.Seed);
        if (settings.LogProbs is { Value: > 0 } logProbs) json.WriteNumber("top_logprobs"u8, logProbs.Value);
        json.Boolean("parallel_tool_calls"u8, settings.ParallelToolCalls);
        if (settings.Format is { } format) WriteFormat(format.Value, json);
        if (settings.Reasoning is { } reasoning) WriteReasoning(reasoning, json, dropped);
        if (settings.User is { } user) json.Text("safety_identifier"u8, user.Value);
        if (settings.Metadata is not { } metadata) return;
        json.WriteStartObject("metadata"u8);
        foreach (var (name, value) in metadata.Value)
        {
            json.WritePropertyName(name);
            json.Text(value);
        }

        json.WriteEndObject();
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
            json.WriteString("type"u8, "function"u8);
            json.Text("name"u8, only);
        }
        else
        {
            json.WriteString("type"u8, "allowed_tools"u8);
            json.WriteString("mode"u8, choice.Mode == ToolChoiceMode.Required ? "required"u8 : "auto"u8);
            json.WriteStartArray("tools"u8);
            foreach (var name in choice.Names)
            {
                json.WriteStartObject();
                json.WriteString("type"u8, "function"u8);
                json.Text("name"u8, name);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteFormat(AnswerFormat format, Utf8JsonWriter json)
    {
        json.WriteStartObject("text"u8);
        json.WriteStartObject("format"u8);
        json.WriteString("type"u8, format.Schema.IsEmpty ? "json_object"u8 : "json_schema"u8);
        if (!format.Schema.IsEmpty)
        {
            json.Text("name"u8, format.Name ?? "answer");
            if (format.Description is { } description) json.Text("description"u8, description);
            json.Raw("schema"u8, format.Schema);
            if (format.Strict is { } strict) json.WriteBoolean("strict"u8, strict);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    // Whoever gives a budget gets the thoughts, unless it says otherwise; here they must be asked for.
    private static void WriteReasoning(Setting<ReasoningSettings> setting, Utf8JsonWriter json, DroppedFields dropped)
    {
        var reasoning = setting.Value;
        var effort = reasoning.ToEffort() is "max" ? "xhigh" : reasoning.ToEffort();
        var show = reasoning.Show ?? reasoning.BudgetTokens is not (null or 0);
        if (effort is null && !show)
        {
            dropped.Drop(setting.Name);
            return;
        }

        json.WriteStartObject("reasoning"u8);
        if (effort is not null) json.Text("effort"u8, effort);
        if (show) json.WriteString("summary"u8, "auto"u8);
        json.WriteEndObject();
    }

    private static void WriteInclude(GenerationRequest request, string model, Utf8JsonWriter json)
    {
        // What is not stored there must come and go with the conversation. Models that do not reason refuse to be asked for it.
        var reasons = request.Settings.Reasoning is { Value: var reasoning } ? reasoning.ToEffort() != "none" : IsReasoningModel(model);
        reasons |= request.Messages.Any(m => m.Parts.Any(p => p is ReasoningPart { Signature: not null }));
        if (!reasons && request.Settings.LogProbs is null) return;
        json.WriteStartArray("include"u8);
        if (reasons) json.WriteStringValue("reasoning.encrypted_content"u8);
        if (request.Settings.LogProbs is not null) json.WriteStringValue(ResponsesSettings.LogProbsInclude);
        json.WriteEndArray();
    }

    // https://platform.openai.com/docs/guides/reasoning
    private static bool IsReasoningModel(string model) =>
        model is ['o', >= '1' and <= '9', ..]
        || (model.StartsWith("gpt-5", StringComparison.Ordinal) && !model.Contains("chat", StringComparison.Ordinal))
        || model.StartsWith("codex", StringComparison.Ordinal);
}
