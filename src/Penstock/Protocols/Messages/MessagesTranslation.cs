using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Writes the members of a Messages body for a request of another protocol, all but <c>model</c> and <c>stream</c>.</summary>
internal static class MessagesTranslation
{
    /// <summary>
    /// What <c>max_tokens</c> is where the client set no limit: this protocol must have one. Every current model takes as
    /// much, and few answers are longer.
    /// </summary>
    public const int DefaultMaxTokens = 32_000;

    // The API has no word for "any JSON object".
    private const string JsonInstruction = "Answer with one JSON object and nothing else: no words before or after it, and no code fence around it.";

    /// <summary>Writes <c>,"max_tokens":…,"messages":[…],…</c>.</summary>
    /// <exception cref="RequestException">The request holds what cannot be said and cannot be left out.</exception>
    public static void Write(GenerationRequest request, string model, IBufferWriter<byte> output, DroppedFields dropped)
    {
        dropped.TakeOwnFields(request, MessagesProtocol.ProtocolName);
        var settings = request.Settings;
        if (settings.Choices is { Value: > 1 } choices) throw DroppedFields.Refuse(choices.Name, MessagesProtocol.ProtocolName);
        var thinking = MessagesThinking.For(request, model, dropped);
        var members = new ArrayBufferWriter<byte>();
        using (var json = JsonOutput.New(members))
        {
            json.WriteStartObject();
            json.WriteNumber("max_tokens"u8, settings.MaxOutputTokens?.Value ?? DefaultMaxTokens);
            new MessagesContentWriter(json, dropped).Write(request.AllMessages, settings.Format is { Value.Schema.IsEmpty: true } ? JsonInstruction : null);
            WriteTools(request, json, dropped);
            WriteSampling(settings, thinking.IsOn, json, dropped);
            WriteStop(settings.StopSequences, json);
            thinking.Write(json);
            WriteOutputConfig(settings.Format, thinking.Effort, json);
            if (settings.User is { } user)
            {
                json.WriteStartObject("metadata"u8);
                json.Text("user_id"u8, user.Value);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        dropped.Drop(settings.Metadata);
        dropped.Drop(settings.Seed);
        dropped.Drop(settings.LogProbs);
        dropped.Drop(settings.FrequencyPenalty);
        dropped.Drop(settings.PresencePenalty);
        output.Write(","u8);
        output.Write(members.WrittenSpan[1..^1]);
    }

    private static void WriteTools(GenerationRequest request, Utf8JsonWriter json, DroppedFields dropped)
    {
        var choice = OwnBody.IsForced(request) ? null : request.Settings.ToolChoice?.Value;
        IReadOnlyList<Tool> tools = choice is { Names.Count: > 1 } or { Mode: ToolChoiceMode.Auto, Names.Count: > 0 }
            ? [.. request.AllTools.Where(t => choice.Names.Contains(t.Name, StringComparer.Ordinal))] // it may choose from these only
            : request.AllTools;
        if (tools.Count == 0)
        {
            dropped.Drop(request.Settings.ParallelToolCalls);
            return;
        }

        json.WriteStartArray("tools"u8);
        foreach (var tool in tools) WriteTool(tool, json);
        json.WriteEndArray();
        WriteToolChoice(choice, request.Settings.ParallelToolCalls?.Value, json);
    }

    public static void WriteTool(Tool tool, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.Text("name"u8, tool.Name);
        if (tool.Description is { } description) json.Text("description"u8, description);
        if (tool.Parameters.IsEmpty) json.Raw("input_schema"u8, "{\"type\":\"object\",\"properties\":{}}"u8.ToArray());
        else json.Raw("input_schema"u8, MessagesSchema.ForTool(tool.Parameters));
        if (tool.Strict is true) json.WriteBoolean("strict"u8, true);
        if (!tool.CacheControl.IsEmpty) json.Raw("cache_control"u8, tool.CacheControl);
        json.WriteEndObject();
    }

    private static void WriteToolChoice(ToolChoice? choice, bool? parallel, Utf8JsonWriter json)
    {
        if (choice is null && parallel is not false) return;
        json.WriteStartObject("tool_choice"u8);
        switch (choice)
        {
            case { Mode: ToolChoiceMode.None }:
                json.WriteString("type"u8, "none"u8);
                break;
            case { Mode: ToolChoiceMode.Required, Names: [var only] }:
                json.WriteString("type"u8, "tool"u8);
                json.Text("name"u8, only);
                break;
            case { Mode: ToolChoiceMode.Required }:
                json.WriteString("type"u8, "any"u8);
                break;
            default:
                json.WriteString("type"u8, "auto"u8);
                break;
        }

        if (parallel is false && choice?.Mode != ToolChoiceMode.None) json.WriteBoolean("disable_parallel_tool_use"u8, true);
        json.WriteEndObject();
    }

    // Temperatures go to 1 here, and the provider's own compatible endpoint caps those above:
    // https://docs.claude.com/en/api/openai-sdk. A model that thinks takes none, and newer ones take one of the two.
    private static void WriteSampling(GenerationSettings settings, bool thinks, Utf8JsonWriter json, DroppedFields dropped)
    {
        if (thinks)
        {
            dropped.Drop(settings.Temperature);
            dropped.Drop(settings.TopP);
            dropped.Drop(settings.TopK);
            return;
        }

        if (settings.Temperature is { } temperature)
        {
            json.WriteNumber("temperature"u8, Math.Clamp(temperature.Value, 0, 1));
            dropped.Drop(settings.TopP);
        }
        else
        {
            json.Number("top_p"u8, settings.TopP);
        }

        json.Number("top_k"u8, settings.TopK);
    }

    private static void WriteStop(Setting<IReadOnlyList<string>>? stop, Utf8JsonWriter json)
    {
        if (stop is not { Value.Count: > 0 } said) return;
        json.WriteStartArray("stop_sequences"u8);
        foreach (var sequence in said.Value)
        {
            if (string.IsNullOrWhiteSpace(sequence)) throw DroppedFields.Refuse(said.Name, MessagesProtocol.ProtocolName); // the API takes no white space
            json.Text(sequence);
        }

        json.WriteEndArray();
    }

    private static void WriteOutputConfig(Setting<AnswerFormat>? format, string? effort, Utf8JsonWriter json)
    {
        var hasSchema = format is { Value.Schema.IsEmpty: false };
        if (!hasSchema && effort is null) return;
        json.WriteStartObject("output_config"u8);
        if (effort is not null) json.WriteString("effort"u8, effort);
        if (hasSchema)
        {
            json.WriteStartObject("format"u8);
            json.WriteString("type"u8, "json_schema"u8);
            json.Raw("schema"u8, MessagesSchema.ForAnswer(format!.Value.Value.Schema));
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
