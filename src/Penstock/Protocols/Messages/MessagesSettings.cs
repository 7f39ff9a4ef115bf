using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Reads how the model is to answer.</summary>
internal static class MessagesSettings
{
    /// <summary>The members that are read here.</summary>
    public static readonly string[] Names =
    [
        "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "tool_choice", "output_format", "output_config", "thinking", "metadata",
    ];

    public static GenerationSettings Read(JsonElement root, List<OwnField> ownFields)
    {
        var config = Object(root, "output_config");
        var choice = Object(root, "tool_choice");
        return new()
        {
            MaxOutputTokens = RequestJson.IntegerSetting(root, "max_tokens", 0),
            Temperature = RequestJson.NumberSetting(root, "temperature"),
            TopP = RequestJson.NumberSetting(root, "top_p"),
            TopK = RequestJson.IntegerSetting(root, "top_k", int.MinValue),
            StopSequences = RequestJson.StringsSetting(root, "stop_sequences"),
            ToolChoice = choice is { } chosen ? ReadToolChoice(chosen, ownFields) : null,
            ParallelToolCalls = choice is { } parallel && RequestJson.Boolean(parallel, "disable_parallel_tool_use", "tool_choice.disable_parallel_tool_use") is { } disable
                ? new("tool_choice.disable_parallel_tool_use", !disable)
                : null,
            Format = ReadFormat(root, "output_format", "output_format", ownFields) ?? (config is { } output ? ReadFormat(output, "format", "output_config.format", ownFields) : null),
            Reasoning = ReadReasoning(root, config, ownFields),
            User = ReadUser(root, ownFields),
        };
    }

    private static Setting<ToolChoice>? ReadToolChoice(JsonElement choice, List<OwnField> ownFields)
    {
        var type = RequestJson.String(choice, "type", "tool_choice.type")
            ?? throw RequestJson.Error("missing_required_parameter", "tool_choice.type", "'tool_choice.type' is missing: use auto, any, tool or none.");
        switch (type)
        {
            case "auto":
                return new("tool_choice", new ToolChoice(ToolChoiceMode.Auto));
            case "any":
                return new("tool_choice", new ToolChoice(ToolChoiceMode.Required));
            case "none":
                return new("tool_choice", new ToolChoice(ToolChoiceMode.None));
            case "tool":
                var name = RequestJson.String(choice, "name", "tool_choice.name")
                    ?? throw RequestJson.Error("missing_required_parameter", "tool_choice.name", "'tool_choice.name' is missing: name the tool.");
                return new("tool_choice", new ToolChoice(ToolChoiceMode.Required, [name]));
            default:
                ownFields.Add(new OwnField($"tool_choice ({type})", ChangesAnswer: true));
                return null;
        }
    }

    private static Setting<AnswerFormat>? ReadFormat(JsonElement parent, string name, string path, List<OwnField> ownFields)
    {
        if (!RequestJson.TryGet(parent, name, out var format)) return null;
        if (format.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(path, "an object", format);
        var type = RequestJson.String(format, "type", $"{path}.type");
        if (type != "json_schema")
        {
            ownFields.Add(new OwnField($"{path} ({type})", ChangesAnswer: true));
            return null;
        }

        return new(path, new AnswerFormat(RequestJson.Schema(format, "schema", $"{path}.schema")) { Strict = true });
    }

    private static Setting<ReasoningSettings>? ReadReasoning(JsonElement root, JsonElement? config, List<OwnField> ownFields)
    {
        string? effort = null;
        if (config is { } output)
        {
            effort = RequestJson.String(output, "effort", "output_config.effort");
            MessagesFields.TakeOwn(output, "output_config", ownFields, "effort", "format");
        }

        if (Object(root, "thinking") is not { } thinking)
            return effort is null ? null : new("output_config.effort", new ReasoningSettings { Effort = effort });
        var read = new ReasoningSettings { Show = RequestJson.String(thinking, "display", "thinking.display") is { } display ? display != "omitted" : null };
        return RequestJson.String(thinking, "type", "thinking.type") switch
        {
            "disabled" => new("thinking", read with { Effort = "none" }),
            "enabled" => new("thinking", read with { BudgetTokens = RequestJson.TryGet(thinking, "budget_tokens", out _) ? RequestJson.Integer(thinking, "budget_tokens", 0, int.MaxValue) : -1 }),
            _ => new("thinking", effort is null ? read with { BudgetTokens = -1 } : read with { Effort = effort }), // adaptive: as much as it likes
        };
    }

    private static Setting<string>? ReadUser(JsonElement root, List<OwnField> ownFields)
    {
        if (Object(root, "metadata") is not { } metadata) return null;
        MessagesFields.TakeOwn(metadata, "metadata", ownFields, "user_id");
        return RequestJson.String(metadata, "user_id", "metadata.user_id") is { } user ? new("metadata.user_id", user) : null;
    }

    private static JsonElement? Object(JsonElement root, string name)
    {
        if (!RequestJson.TryGet(root, name, out var value)) return null;
        return value.ValueKind == JsonValueKind.Object ? value : throw RequestJson.WrongType(name, "an object", value);
    }
}
