namespace Penstock.Protocols;

/// <summary>A value, and the name that the client gave it, e.g. <c>generationConfig.topK</c>: for errors and for <c>Penstock-Dropped</c>.</summary>
public readonly record struct Setting<T>(string Name, T Value);

/// <summary>How the model is to answer. Null is "not said".</summary>
public sealed record GenerationSettings
{
    public static readonly GenerationSettings None = new();

    public Setting<int>? MaxOutputTokens { get; init; }

    public Setting<double>? Temperature { get; init; }

    public Setting<double>? TopP { get; init; }

    public Setting<int>? TopK { get; init; }

    public Setting<double>? FrequencyPenalty { get; init; }

    public Setting<double>? PresencePenalty { get; init; }

    public Setting<long>? Seed { get; init; }

    public Setting<IReadOnlyList<string>>? StopSequences { get; init; }

    /// <summary>The number of answers, where it was said (<see cref="GenerationRequest.Choices"/>).</summary>
    public Setting<int>? Choices { get; init; }

    /// <summary>Log probabilities are wanted, with so many alternatives for each token; 0 for none but the chosen.</summary>
    public Setting<int>? LogProbs { get; init; }

    public Setting<ToolChoice>? ToolChoice { get; init; }

    /// <summary>Whether the model may call several tools at once.</summary>
    public Setting<bool>? ParallelToolCalls { get; init; }

    public Setting<AnswerFormat>? Format { get; init; }

    public Setting<ReasoningSettings>? Reasoning { get; init; }

    /// <summary>The client's own notes on the request.</summary>
    public Setting<IReadOnlyDictionary<string, string>>? Metadata { get; init; }

    /// <summary>Whom the client asks for: an opaque name.</summary>
    public Setting<string>? User { get; init; }
}

/// <summary>The form that the answer must have.</summary>
/// <param name="Schema">A JSON schema, raw; empty for any JSON object at all.</param>
public sealed record AnswerFormat(ReadOnlyMemory<byte> Schema)
{
    /// <summary>The schema's name, where it was said.</summary>
    public string? Name { get; init; }

    public string? Description { get; init; }

    /// <summary>Whether the answer must keep to the schema; null where it was not said.</summary>
    public bool? Strict { get; init; }
}

/// <summary>How much the model is to think before it answers. Protocols say it as an effort or as a budget; each can be made from the other.</summary>
public sealed record ReasoningSettings
{
    // What the compatible endpoints of the providers themselves take the words for.
    // https://ai.google.dev/gemini-api/docs/openai#thinking
    private static readonly (string Effort, int Budget)[] _budgets =
        [("none", 0), ("minimal", 512), ("low", 1024), ("medium", 8192), ("high", 24576), ("xhigh", 32768), ("max", 65536)];

    /// <summary><c>none</c>, <c>minimal</c>, <c>low</c>, <c>medium</c>, <c>high</c>, <c>xhigh</c> or <c>max</c>; null where a budget was said, or neither.</summary>
    public string? Effort { get; init; }

    /// <summary>How many tokens it may think; 0 for not at all, -1 for as many as it likes.</summary>
    public int? BudgetTokens { get; init; }

    /// <summary>Whether the thoughts are to be shown; null where it was not said.</summary>
    public bool? Show { get; init; }

    /// <summary>The effort, or the lowest that covers the budget; null where neither was said, or the budget is open.</summary>
    public string? ToEffort()
    {
        if (Effort is not null || BudgetTokens is not >= 0) return Effort;
        foreach (var (effort, budget) in _budgets)
        {
            if (BudgetTokens <= budget) return effort;
        }

        return "max";
    }

    /// <summary>The budget, or what the effort stands for; null where neither was said.</summary>
    public int? ToBudget()
    {
        if (BudgetTokens is not null || Effort is null) return BudgetTokens;
        foreach (var (effort, budget) in _budgets)
        {
            if (effort == Effort) return budget;
        }

        return null;
    }
}
