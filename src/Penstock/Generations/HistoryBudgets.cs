using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>What becomes of conversations that are longer than their model can read.</summary>
public sealed class HistoryOptions
{
    /// <summary><c>window</c>: the oldest exchanges are left out. <c>off</c>: all is sent, and the provider may refuse it.</summary>
    public string Policy { get; set; } = "window";
}

/// <summary>How much of a conversation those may be sent who answer for a model.</summary>
internal sealed class HistoryBudgets(HistoryOptions options)
{
    // What is left to an answer whose request does not say how long it may get.
    private const int AnswerShare = 8;

    /// <summary>The budget of a request; null where no window is known, or all is sent whatever it is.</summary>
    public HistoryBudget? BudgetOf(GenerationRequest request, Route route)
    {
        if (options.Policy == "off") return null;
        // Whoever of them is asked must be able to read it.
        var window = route.Targets.Select(WindowOf).Where(w => w > 0).DefaultIfEmpty(0).Min();
        if (window == 0) return null;
        var answer = request.Settings.MaxOutputTokens?.Value ?? window / AnswerShare;
        return new HistoryBudget(window, Math.Max(window - answer, window / 2), UsageSource.Estimated);
    }

    // A key of the configuration holds no colon, as the names of Ollama's models do.
    private static long WindowOf(Target target)
    {
        var (windows, colon) = (target.Provider.Options.Windows, target.Model.IndexOf(':', StringComparison.Ordinal));
        return windows.TryGetValue(target.Model, out var window) || (colon > 0 && windows.TryGetValue(target.Model[..colon], out window))
            ? window
            : target.Provider.Options.Window;
    }
}
