using System.Text.Json;

namespace Penstock.Protocols.ChatCompletions;

/// <summary>Reads how the model is to answer.</summary>
internal static class ChatCompletionsSettings
{
    /// <summary>The members that are read here.</summary>
    public static readonly string[] Names =
    [
        "max_completion_tokens", "max_tokens", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop",
        "logprobs", "top_logprobs", "tool_choice", "function_call", "parallel_tool_calls", "response_format", "reasoning_effort",
        "reasoning", "metadata", "user",
    ];

    public static GenerationSettings Read(JsonElement root) => new()
    {
        MaxOutputTokens = RequestJson.IntegerSetting(root, "max_completion_tokens", 1) ?? RequestJson.IntegerSetting(root, "max_tokens", 1),
        Temperature = RequestJson.NumberSetting(root, "temperature"),
        TopP = RequestJson.NumberSetting(root, "top_p"),
        TopK = RequestJson.IntegerSetting(root, "top_k", int.MinValue),
        FrequencyPenalty = RequestJson.NumberSetting(root, "frequency_penalty"),
        PresencePenalty = RequestJson.NumberSetting(root, "presence_penalty"),
        Seed = RequestJson.LongSetting(root, "seed"),
        StopSequences = RequestJson.StringsSetting(root, "stop"),
        Choices = RequestJson.Integer(root, "n", 1, 128) is { } choices ? new("n", choices) : null,
        LogProbs = ReadLogProbs(root),
        ToolChoice = ReadToolChoice(root),
        ParallelToolCalls = RequestJson.BooleanSetting(root, "parallel_tool_calls"),
        Format = ReadFormat(root),
        Reasoning = ReadReasoning(root),
        Metadata = ReadMetadata(root),
        User = RequestJson.StringSetting(root, "user"),
    };

    private static Setting<int>? ReadLogProbs(JsonElement root)
    {
        if (RequestJson.Boolean(root, "logprobs", "logprobs") is not true) return null;
        return new("logprobs", RequestJson.Integer(root, "top_logprobs", 0, 100) ?? 0);
    }

    private static Setting<ToolChoice>? ReadToolChoice(JsonElement root)
    {
        var name = RequestJson.TryGet(root, "tool_choice", out var choice) ? "tool_choice" : "function_call";
        if (name == "function_call" && !RequestJson.TryGet(root, name, out choice)) return null;
        if (choice.ValueKind == JsonValueKind.String)
        {
            return RequestJson.Text(choice) switch
            {
                "auto" => new(name, new ToolChoice(ToolChoiceMode.Auto)),
                "none" => new(name, new ToolChoice(ToolChoiceMode.None)),
                "required" or "any" => new(name, new ToolChoice(ToolChoiceMode.Required)),
                _ => null, // a word of the provider's own
            };
        }

        if (choice.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(name, "a string or an object", choice);
        if (RequestJson.TryGet(choice, "allowed_tools", out var allowed) && allowed.ValueKind == JsonValueKind.Object)
        {
            var mode = RequestJson.String(allowed, "mode", $"{name}.allowed_tools.mode") == "required" ? ToolChoiceMode.Required : ToolChoiceMode.Auto;
            var names = RequestJson.Objects(allowed, "tools").Select(t => FunctionName(t.Item, name)).OfType<string>();
            return new(name, new ToolChoice(mode, [.. names]));
        }

        return FunctionName(choice, name) is { } function ? new(name, new ToolChoice(ToolChoiceMode.Required, [function])) : null;
    }

    private static string? FunctionName(JsonElement choice, string path) =>
        RequestJson.TryGet(choice, "function", out var function) && function.ValueKind == JsonValueKind.Object
            ? RequestJson.String(function, "name", $"{path}.function.name")
            : RequestJson.String(choice, "name", $"{path}.name");

    private static Setting<AnswerFormat>? ReadFormat(JsonElement root)
    {
        const string Name = "response_format";
        if (!RequestJson.TryGet(root, Name, out var format)) return null;
        if (format.ValueKind != JsonValueKind.Object) throw RequestJson.WrongType(Name, "an object", format);
        var type = RequestJson.String(format, "type", $"{Name}.type");
        if (type == "json_object") return new(Name, new AnswerFormat(default(ReadOnlyMemory<byte>)));
        if (type != "json_schema" || !RequestJson.TryGet(format, "json_schema", out var schema) || schema.ValueKind != JsonValueKind.Object) return null;
        return new(Name, new AnswerFormat(RequestJson.Schema(schema, "schema", $"{Name}.json_schema.schema"))
        {
            Name = RequestJson.String(schema, "name", $"{Name}.json_schema.name"),
            Description = RequestJson.String(schema, "description", $"{Name}.json_schema.description"),
            Strict = RequestJson.Boolean(schema, "strict", $"{Name}.json_schema.strict"),
        });
    }

    private static Setting<ReasoningSettings>? ReadReasoning(JsonElement root)
    {
        if (RequestJson.String(root, "reasoning_effort", "reasoning_effort") is { } effort) return new("reasoning_effort", new ReasoningSettings { Effort = effort });
        if (!RequestJson.TryGet(root, "reasoning", out var reasoning) || reasoning.ValueKind != JsonValueKind.Object) return null; // OpenRouter
        return new("reasoning", new ReasoningSettings
        {
            Effort = RequestJson.String(reasoning, "effort", "reasoning.effort"),
            BudgetTokens = RequestJson.TryGet(reasoning, "max_tokens", out _) ? RequestJson.Integer(reasoning, "max_tokens", 0, int.MaxValue) : null,
            Show = RequestJson.Boolean(reasoning, "exclude", "reasoning.exclude") is { } exclude ? !exclude : null,
        });
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

        return new("metadata", read);
    }
}
