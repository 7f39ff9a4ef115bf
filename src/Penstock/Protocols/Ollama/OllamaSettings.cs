using System.Text.Json;

namespace Penstock.Protocols.Ollama;

/// <summary>Reads how the model is to answer: <c>options</c>, <c>format</c>, <c>think</c>.</summary>
internal sealed class OllamaSettings(List<OwnField> ownFields)
{
    private static readonly string[] _known = ["temperature", "top_p", "top_k", "num_predict", "seed", "stop", "presence_penalty", "frequency_penalty"];

    public GenerationSettings Read(JsonElement root)
    {
        var settings = new GenerationSettings { Format = ReadFormat(root), Reasoning = ReadThink(root) };
        if (!RequestJson.TryGet(root, "options", out var options)) return settings;
        if (options.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType("options", "an object", options);
        foreach (var member in options.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (!_known.Contains(name, StringComparer.Ordinal)) ownFields.Add(new OwnField($"options.{name}", ChangesAnswer: false));
        }

        return settings with
        {
            Temperature = RequestJson.NumberSetting(options, "temperature"),
            TopP = RequestJson.NumberSetting(options, "top_p"),
            TopK = RequestJson.IntegerSetting(options, "top_k", 0),
            MaxOutputTokens = RequestJson.Integer(options, "num_predict", -2, int.MaxValue) is > 0 and var most ? new("num_predict", most) : null, // -1: as many as it likes
            Seed = RequestJson.LongSetting(options, "seed"),
            StopSequences = RequestJson.StringsSetting(options, "stop"),
            PresencePenalty = RequestJson.NumberSetting(options, "presence_penalty"),
            FrequencyPenalty = RequestJson.NumberSetting(options, "frequency_penalty"),
        };
    }

    private static Setting<AnswerFormat>? ReadFormat(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "format", out var format)) return null;
        if (format.ValueKind == JsonValueKind.Object) return new("format", new AnswerFormat(RequestJson.Schema(root, "format", "format")));
        if (format.ValueKind != JsonValueKind.String) throw RequestJson.WrongType("format", "\"json\" or a JSON schema", format);
        return RequestJson.Text(format) switch
        {
            "" => null,
            "json" => new("format", new AnswerFormat(default(ReadOnlyMemory<byte>))),
            var other => throw RequestJson.Error("invalid_value", "format", $"'format' is '{other}': use \"json\" or a JSON schema."),
        };
    }

    private static Setting<ReasoningSettings>? ReadThink(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "think", out var think)) return null;
        return think.ValueKind switch
        {
            JsonValueKind.True => new("think", new ReasoningSettings { Effort = "medium", Show = true }),
            JsonValueKind.False => new("think", new ReasoningSettings { Show = false }),
            JsonValueKind.String => new("think", new ReasoningSettings { Effort = RequestJson.Text(think), Show = true }),
            _ => throw RequestJson.WrongType("think", "true, false, or how much", think),
        };
    }
}
