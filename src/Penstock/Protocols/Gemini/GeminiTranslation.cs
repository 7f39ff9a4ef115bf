using System.Buffers;
using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Writes a Gemini body for a request of another protocol.</summary>
internal static class GeminiTranslation
{
    /// <exception cref="RequestException">The request holds what cannot be said and cannot be left out.</exception>
    public static void Write(GenerationRequest request, string model, IBufferWriter<byte> output, DroppedFields dropped)
    {
        dropped.TakeOwnFields(request, GeminiProtocol.ProtocolName);
        using var json = JsonOutput.New(output);
        json.WriteStartObject();
        new GeminiContentsWriter(json, dropped, GeminiModel.NeedsCallSignatures(model)).Write(request.AllMessages);
        WriteTools(request, json, dropped);
        WriteConfig(request.Settings, model, json, dropped);
        json.WriteEndObject();
    }

    private static void WriteTools(GenerationRequest request, Utf8JsonWriter json, DroppedFields dropped)
    {
        dropped.DropCacheControl(request.Tools); // ours have neither
        for (var i = 0; i < request.Tools.Count; i++)
        {
            if (request.Tools[i].Strict is true) dropped.Drop($"tools[{i}].strict");
        }

        var choice = OwnBody.IsForced(request) ? null : request.Settings.ToolChoice?.Value;
        var tools = request.AllTools;
        // Gemini narrows the choice only for a model that must call: the others are not mentioned to one that may.
        if (choice is { Mode: ToolChoiceMode.Auto, Names.Count: > 0 }) tools = [.. tools.Where(t => choice.Names.Contains(t.Name, StringComparer.Ordinal))];
        if (tools.Count == 0) return;
        json.WriteStartArray("tools"u8);
        WriteFunctions(tools, json);
        json.WriteEndArray();
        if (choice is not null) WriteToolChoice(choice, json);
    }

    public static void WriteFunctions(IReadOnlyList<Tool> tools, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("functionDeclarations"u8);
        foreach (var tool in tools)
        {
            json.WriteStartObject();
            json.Text("name"u8, tool.Name);
            if (tool.Description is { } description) json.Text("description"u8, description);
            if (!tool.Parameters.IsEmpty) json.Raw("parametersJsonSchema"u8, tool.Parameters);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteToolChoice(ToolChoice choice, Utf8JsonWriter json)
    {
        json.WriteStartObject("toolConfig"u8);
        json.WriteStartObject("functionCallingConfig"u8);
        json.WriteString("mode"u8, choice.Mode switch { ToolChoiceMode.Required => "ANY"u8, ToolChoiceMode.None => "NONE"u8, _ => "AUTO"u8 });
        if (choice is { Mode: ToolChoiceMode.Required, Names.Count: > 0 })
        {
            json.WriteStartArray("allowedFunctionNames"u8);
            foreach (var name in choice.Names) json.Text(name);
            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteConfig(GenerationSettings settings, string model, Utf8JsonWriter json, DroppedFields dropped)
    {
        json.WriteStartObject("generationConfig"u8);
        json.Number("temperature"u8, settings.Temperature);
        json.Number("topP"u8, settings.TopP);
        json.Number("topK"u8, settings.TopK);
        json.Number("candidateCount"u8, settings.Choices);
        json.Number("maxOutputTokens"u8, settings.MaxOutputTokens);
        if (settings.StopSequences is { Value.Count: > 0 } stop)
        {
            json.WriteStartArray("stopSequences"u8);
            foreach (var sequence in stop.Value) json.Text(sequence);
            json.WriteEndArray();
        }

        if (settings.Seed is { Value: >= int.MinValue and <= int.MaxValue } seed) json.WriteNumber("seed"u8, seed.Value);
        else dropped.Drop(settings.Seed);
        json.Number("presencePenalty"u8, settings.PresencePenalty);
        json.Number("frequencyPenalty"u8, settings.FrequencyPenalty);
        if (settings.Format is { } format)
        {
            json.WriteString("responseMimeType"u8, "application/json"u8);
            if (!format.Value.Schema.IsEmpty) json.Raw("responseJsonSchema"u8, format.Value.Schema);
        }

        if (settings.Reasoning is { } reasoning) WriteThinking(reasoning.Value, model, json);
        json.WriteEndObject();
        if (settings.ParallelToolCalls is { Value: false } parallel) dropped.Drop(parallel.Name);
        dropped.Drop(settings.LogProbs); // asked for they would come, but in no words of ours
        dropped.Drop(settings.Metadata);
        dropped.Drop(settings.User);
    }

    // A budget is taken by all models that think, a level by the newer only, and of both only one.
    // https://ai.google.dev/gemini-api/docs/thinking
    private static void WriteThinking(ReasoningSettings reasoning, string model, Utf8JsonWriter json)
    {
        json.WriteStartObject("thinkingConfig"u8);
        if (reasoning.Effort is { } effort && GeminiModel.TakesLevels(model))
        {
            json.WriteString("thinkingLevel"u8, effort switch { "none" or "minimal" => "minimal", "xhigh" or "max" => "high", _ => effort });
        }
        else if (reasoning.ToBudget() is { } budget)
        {
            // What an effort stands for must not be more than the smallest model takes.
            json.WriteNumber("thinkingBudget"u8, reasoning.BudgetTokens is null ? Math.Min(budget, 24576) : budget);
        }

        json.WriteBoolean("includeThoughts"u8, reasoning.Show ?? reasoning.ToBudget() != 0);
        json.WriteEndObject();
    }
}
