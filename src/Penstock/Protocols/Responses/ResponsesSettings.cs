using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>Reads how the model is to answer.</summary>
internal static class ResponsesSettings
{
    public const string LogProbsInclude = "message.output_text.logprobs";

    /// <summary>The members that are read here.</summary>
    public static readonly string[] Names =
    [
        "max_output_tokens", "temperature", "top_p", "top_logprobs", "parallel_tool_calls", "text", "reasoning", "metadata", "user", "safety_identifier",
    ];

    public static GenerationSettings Read(JsonElement root, List<OwnField> ownFields) => new()
    {
        MaxOutputTokens = RequestJson.IntegerSetting(root, "max_output_tokens", 1),
        Temperature = RequestJson.NumberSetting(root, "temperature"),
        TopP = RequestJson.NumberSetting(root, "top_p"),
        LogProbs = ReadLogProbs(root),
        ToolChoice = ReadToolChoice(root, ownFields),
        ParallelToolCalls = RequestJson.BooleanSetting(root, "parallel_tool_calls"),
        Format = ReadFormat(root, ownFields),
        Reasoning = ReadReasoning(root),
        Metadata = ReadMetadata(root),
        User = RequestJson.StringSetting(root, "safety_identifier") ?? RequestJson.StringSetting(root, "user"),
    };

    private static Setting<int>? ReadLogProbs(JsonElement root)
    {
        var top = RequestJson.Integer(root, "top_logprobs", 0, 20);
        var included = RequestJson.TryGet(root, "include", out var include) && include.ValueKind == JsonValueKind.Array
            && include.EnumerateArray().Any(i => i.ValueKind == JsonValueKind.String && RequestJson.Text(i) == LogProbsInclude);
        return included || top > 0 ? new("top_logprobs", top ?? 0) : null;
    }

    private static Setting<ToolChoice>? ReadToolChoice(JsonElement root, List<OwnField> ownFields)
    {
        const string Name = "tool_choice";
        if (!RequestJson.TryGet(root, Name, out var choice)) return null;
        if (choice.ValueKind == JsonValueKind.String)
        {
            return RequestJson.Text(choice) switch
            {
                "auto" => new(Name, new ToolChoice(ToolChoiceMode.Auto)),
                "none" => new(Name, new ToolChoice(ToolChoiceMode.None)),
                "required" => new(Name, new ToolChoice(ToolChoiceMode.Required)),
                _ => null, // a word of the provider's own
            };
        }

        if (choice.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(Name, "a string or an object", choice);
        var type = RequestJson.String(choice, "type", $"{Name}.type");
        if (type == "function")
        {
            var name = RequestJson.String(choice, "name", $"{Name}.name")
                ?? throw RequestJson.Error("missing_required_parameter", $"{Name}.name", $"'{Name}.name' is missing: name the function.");
            return new(Name, new ToolChoice(ToolChoiceMode.Required, [name]));
        }

        if (type == "allowed_tools")
        {
            var mode = RequestJson.String(choice, "mode", $"{Name}.mode") == "required" ? ToolChoiceMode.Required : ToolChoiceMode.Auto;
            var names = RequestJson.Objects(choice, "tools", $"{Name}.tools").Select(t => RequestJson.String(t.Item, "name", $"{t.Path}.name")).OfType<string>();
            return new(Name, new ToolChoice(mode, [.. names]));
        }

        ownFields.Add(new OwnField($"{Name} ({type})", ChangesAnswer: true));
        return null;
    }

    private static Setting<AnswerFormat>? ReadFormat(JsonElement root, List<OwnField> ownFields)
    {
        const string Name = "text.format";
        if (!RequestJson.TryGet(root, "text", out var text)) return null;
        if (text.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType("text", "an object", text);
        if (RequestJson.TryGet(text, "verbosity", out _)) ownFields.Add(new OwnField("text.verbosity", ChangesAnswer: false));
        if (!RequestJson.TryGet(text, "format", out var format)) return null;
        if (format.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(Name, "an object", format);
        var type = RequestJson.String(format, "type", $"{Name}.type");
        if (type == "json_object") return new(Name, new AnswerFormat(default(ReadOnlyMemory<byte>)));
        if (type is null or "text") return null;
        if (type != "json_schema")
        {
            ownFields.Add(new OwnField($"{Name} ({type})", ChangesAnswer: true));
            return null;
        }

        return new(Name, new AnswerFormat(RequestJson.Schema(format, "schema", $"{Name}.schema"))
        {
            Name = RequestJson.String(format, "name", $"{Name}.name"),
            Description = RequestJson.String(format, "description", $"{Name}.description"),
            Strict = RequestJson.Boolean(format, "strict", $"{Name}.strict"),
        });
    }

    private static Setting<ReasoningSettings>? ReadReasoning(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "reasoning", out var reasoning)) return null;
        if (reasoning.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType("reasoning", "an object", reasoning);
        var effort = RequestJson.String(reasoning, "effort", "reasoning.effort");
        var summary = RequestJson.String(reasoning, "summary", "reasoning.summary") ?? RequestJson.String(reasoning, "generate_summary", "reasoning.generate_summary");
        return effort is null && summary is null ? null : new("reasoning", new ReasoningSettings { Effort = effort, Show = summary is null ? null : true });
    }

    private static Setting<IReadOnlyDictionary<string, string>>? ReadMetadata(JsonElement root)
    {
        if (!RequestJson.TryGet(root, "metadata", out var metadata)) return null;
        if (metadata.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType("metadata", "an object", metadata);
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in metadata.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.String) read[RequestJson.Name(member)] = RequestJson.Text(member.Value);
        }

        return read.Count == 0 ? null : new("metadata", read);
    }
}
