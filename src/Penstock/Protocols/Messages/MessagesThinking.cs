using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>
/// How a model of this protocol is told to think: older models, and those of other makers, by a budget, newer ones by an
/// effort. https://docs.claude.com/en/docs/build-with-claude/adaptive-thinking
/// </summary>
internal readonly struct MessagesThinking
{
    private const int MinBudget = 1024;

    // What of the limit is kept for the answer itself where the client set none.
    private const int AnswerTokens = 4096;

    // Of Anthropic's models those that know budgets only.
    private static readonly string[] _budgetOnly = ["claude-3", "-4-2025", "-4-0", "-4-1", "-4-5"];

    private enum Form : byte
    {
        Unsaid,
        Disabled,
        Budget,
        Adaptive,
    }

    private Form Kind { get; init; }

    private int Budget { get; init; }

    private bool? Show { get; init; }

    /// <summary>For <c>output_config.effort</c>; null for none.</summary>
    public string? Effort { get; private init; }

    /// <summary>The model thinks, and so takes no sampling settings.</summary>
    public bool IsOn => Kind is Form.Budget or Form.Adaptive;

    /// <summary>What to ask for. Where thinking cannot be had with the rest of the request it is left out and named.</summary>
    public static MessagesThinking For(GenerationRequest request, string model, DroppedFields dropped)
    {
        if (request.Settings.Reasoning is not { } said) return default;
        var budget = said.Value.ToBudget();
        if (budget is null or 0 || said.Value.Effort == "none") return budget is null && said.Value.Effort is null ? default : new MessagesThinking { Kind = Form.Disabled };
        // The API refuses to force a tool on a model that thinks, and to let it begin to think in the midst of its tool calls.
        if (request.Settings.ToolChoice?.Value.Mode == ToolChoiceMode.Required || CallsWithoutThoughts(request.Messages))
        {
            dropped.Drop(said.Name);
            return default;
        }

        if (!ByBudget(model)) return new MessagesThinking { Kind = Form.Adaptive, Effort = EffortOf(said.Value), Show = said.Value.Show };
        var max = request.Settings.MaxOutputTokens is { } limit ? limit.Value - 1 : MessagesTranslation.DefaultMaxTokens - AnswerTokens;
        var tokens = Math.Min(Math.Max(budget < 0 ? 8192 : budget.Value, MinBudget), max);
        if (tokens >= MinBudget) return new MessagesThinking { Kind = Form.Budget, Budget = tokens };
        dropped.Drop(said.Name); // no room for it
        return default;
    }

    public void Write(Utf8JsonWriter json)
    {
        if (Kind == Form.Unsaid) return;
        json.WriteStartObject("thinking"u8);
        json.WriteString("type"u8, Kind switch { Form.Disabled => "disabled"u8, Form.Adaptive => "adaptive"u8, _ => "enabled"u8 });
        if (Kind == Form.Budget) json.WriteNumber("budget_tokens"u8, Budget);
        if (Kind == Form.Adaptive && Show is { } show) json.WriteString("display"u8, show ? "summarized"u8 : "omitted"u8);
        json.WriteEndObject();
    }

    private static bool ByBudget(string model) =>
        !model.StartsWith("claude-", StringComparison.Ordinal) || model.EndsWith("-4", StringComparison.Ordinal)
        || Array.Exists(_budgetOnly, m => model.Contains(m, StringComparison.Ordinal));

    private static string? EffortOf(ReasoningSettings reasoning) => reasoning.ToEffort() is "minimal" ? "low" : reasoning.ToEffort();

    // The conversation ends in results of calls that came with no signed thought.
    private static bool CallsWithoutThoughts(IReadOnlyList<Message> messages)
    {
        var reversed = messages.Reverse();
        if (!reversed.TakeWhile(m => m.Role != Role.Assistant).Any(m => m.Parts.Any(p => p is ToolResultPart))) return false;
        var calling = reversed.SkipWhile(m => m.Role != Role.Assistant).TakeWhile(m => m.Role == Role.Assistant);
        return !calling.Any(m => m.Parts.Any(p => p is ReasoningPart { Signature: not null }));
    }
}
