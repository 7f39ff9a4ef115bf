using System.Text.Json;

namespace Penstock.Protocols.Gemini;

/// <summary>Reads <c>generationConfig</c>, <c>toolConfig</c> and <c>labels</c>: how the model is to answer.</summary>
internal sealed class GeminiSettings(List<OwnField> ownFields)
{
    private const string Config = "generationConfig";

    private static readonly string[] _known =
    [
        "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed", "presencePenalty", "frequencyPenalty",
        "responseMimeType", "responseSchema", "responseJsonSchema", "thinkingConfig", "responseModalities",
    ];

    public GenerationSettings Read(JsonElement root)
    {
        var settings = GenerationSettings.None with { ToolChoice = ReadToolChoice(root), Metadata = ReadLabels(root) };
        if (!GeminiJson.TryGetObject(root, Config, Config, out var config)) return settings;
        foreach (var (name, _) in GeminiJson.Members(config))
        {
            if (!_known.Contains(name, StringComparer.Ordinal)) ownFields.Add(new OwnField($"{Config}.{name}", ChangesAnswer: name is "speechConfig" or "imageConfig"));
        }

        ReadModalities(config);
        return settings with
        {
            MaxOutputTokens = Integer(config, "maxOutputTokens", 1, int.MaxValue),
            Temperature = Number(config, "temperature"),
            TopP = Number(config, "topP"),
            TopK = Number(config, "topK") is { } topK ? new(topK.Name, (int)topK.Value) : null,
            FrequencyPenalty = Number(config, "frequencyPenalty"),
            PresencePenalty = Number(config, "presencePenalty"),
            Seed = Number(config, "seed") is { } seed ? new(seed.Name, (long)seed.Value) : null,
            StopSequences = ReadStopSequences(config),
            Choices = Integer(config, "candidateCount", 1, 128),
            Format = ReadFormat(config),
            Reasoning = ReadThinking(config),
        };
    }

    private static Setting<int>? Integer(JsonElement config, string name, int min, int max)
    {
        if (Number(config, name) is not { } number) return null;
        if (number.Value >= min && number.Value <= max && number.Value == Math.Floor(number.Value)) return new(number.Name, (int)number.Value);
        var range = max == int.MaxValue ? $"of at least {min}" : $"from {min} to {max}";
        throw RequestJson.Error("invalid_value", number.Name, $"'{number.Name}' must be a whole number {range}.");
    }

    private static Setting<double>? Number(JsonElement config, string name)
    {
        if (!GeminiJson.TryGet(config, name, out var value)) return null;
        var path = $"{Config}.{name}";
        return value.ValueKind == JsonValueKind.Number ? new(path, RequestJson.Finite(value, path)) : throw RequestJson.WrongType(path, "a number", value);
    }

    private static Setting<IReadOnlyList<string>>? ReadStopSequences(JsonElement config)
    {
        const string Path = $"{Config}.stopSequences";
        if (!GeminiJson.TryGet(config, "stopSequences", out var value)) return null;
        if (value.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(Path, "a list of strings", value);
        var sequences = new List<string>();
        foreach (var item in value.EnumerateArray())
            sequences.Add(item.ValueKind == JsonValueKind.String ? RequestJson.Text(item) : throw RequestJson.WrongType($"{Path}[{sequences.Count}]", "a string", item));
        return new(Path, sequences);
    }

    private void ReadModalities(JsonElement config)
    {
        if (!GeminiJson.TryGet(config, "responseModalities", out var modalities)) return;
        const string Path = $"{Config}.responseModalities";
        if (modalities.ValueKind != JsonValueKind.Array) throw RequestJson.WrongType(Path, "a list of strings", modalities);
        if (modalities.EnumerateArray().Any(m => m.ValueKind != JsonValueKind.String || !RequestJson.Text(m).Equals("TEXT", StringComparison.OrdinalIgnoreCase)))
            ownFields.Add(new OwnField(Path, ChangesAnswer: true));
    }

    private Setting<AnswerFormat>? ReadFormat(JsonElement config)
    {
        const string Path = $"{Config}.responseMimeType";
        var type = GeminiJson.String(config, "responseMimeType", Path);
        if (type is null or "text/plain") return null;
        if (type == "application/json") return new(Path, new AnswerFormat(GeminiSchema.Read(config, "responseJsonSchema", "responseSchema", Config)));
        ownFields.Add(new OwnField(Path, ChangesAnswer: true)); // text/x.enum
        return null;
    }

    private static Setting<ReasoningSettings>? ReadThinking(JsonElement config)
    {
        const string Path = $"{Config}.thinkingConfig";
        if (!GeminiJson.TryGetObject(config, "thinkingConfig", Path, out var thinking)) return null;
        var budget = GeminiJson.TryGet(thinking, "thinkingBudget", out var value)
            ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw RequestJson.WrongType($"{Path}.thinkingBudget", "a whole number", value)
            : (int?)null;
        var level = GeminiJson.String(thinking, "thinkingLevel", $"{Path}.thinkingLevel")?.ToLowerInvariant();
        return new(Path, new ReasoningSettings
        {
            Effort = level == "thinking_level_unspecified" ? null : level,
            BudgetTokens = budget,
            Show = GeminiJson.TryGet(thinking, "includeThoughts", out _) ? GeminiJson.Boolean(thinking, "includeThoughts", $"{Path}.includeThoughts") : null,
        });
    }

    private Setting<ToolChoice>? ReadToolChoice(JsonElement root)
    {
        const string Path = "toolConfig.functionCallingConfig";
        if (!GeminiJson.TryGetObject(root, "toolConfig", "toolConfig", out var toolConfig)) return null;
        foreach (var (name, _) in GeminiJson.Members(toolConfig))
        {
            if (name != "functionCallingConfig") ownFields.Add(new OwnField($"toolConfig.{name}", ChangesAnswer: false));
        }

        if (!GeminiJson.TryGetObject(toolConfig, "functionCallingConfig", Path, out var calling)) return null;
        var mode = GeminiJson.String(calling, "mode", $"{Path}.mode")?.ToUpperInvariant() switch
        {
            "ANY" => ToolChoiceMode.Required,
            "NONE" => ToolChoiceMode.None,
            _ => ToolChoiceMode.Auto, // AUTO, VALIDATED
        };
        var names = new List<string>();
        if (GeminiJson.TryGet(calling, "allowedFunctionNames", out var allowed) && allowed.ValueKind == JsonValueKind.Array)
            names.AddRange(allowed.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String).Select(RequestJson.Text));
        return new(Path, new ToolChoice(mode, names));
    }

    private static Setting<IReadOnlyDictionary<string, string>>? ReadLabels(JsonElement root)
    {
        if (!GeminiJson.TryGetObject(root, "labels", "labels", out var labels)) return null;
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var label in labels.EnumerateObject())
        {
            if (label.Value.ValueKind == JsonValueKind.String) read[RequestJson.Name(label)] = RequestJson.Text(label.Value);
        }

        return new("labels", read);
    }
}
