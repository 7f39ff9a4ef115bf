using Penstock.Protocols;
using Penstock.Protocols.History;
using Penstock.Protocols.Responses;
using Penstock.Providers;

namespace Penstock.Generations;

/// <summary>What becomes of conversations that are longer than their model can read.</summary>
public sealed class HistoryOptions
{
    /// <summary>
    /// <c>window</c>: the oldest exchanges are left out. <c>summary</c>: a model sums them up. <c>off</c>: all is sent, and the provider
    /// may refuse it.
    /// </summary>
    public string Policy { get; set; } = "window";

    /// <summary>Who sums up: <c>provider/model</c> or an alias; null for the model that answers.</summary>
    public string? SummaryModel { get; set; }

    /// <summary>How long an answer waits for a summary.</summary>
    public TimeSpan SummaryTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>How much of a conversation those may be sent who answer for a model.</summary>
internal sealed class HistoryBudgets(HistoryOptions options, TokenCounter counter)
{
    // The estimate is not off by more, so that what has less fits and need not be counted.
    private const int WorstEstimate = 2;

    // A provider that counts longer than this keeps nobody waiting.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    // What is left to an answer whose request does not say how long it may get.
    private const int AnswerShare = 8;

    /// <summary>The request with its budget; as it was, where no window is known, or all is sent whatever it is.</summary>
    public ValueTask<GenerationRequest> ApplyAsync(GenerationRequest request, Route route) =>
        Estimate(request, route) is { } budget ? ApplyAsync(budget, request, route) : new(request);

    private async ValueTask<GenerationRequest> ApplyAsync(HistoryBudget estimate, GenerationRequest request, Route route)
    {
        var budget = await CorrectAsync(estimate, request, route);
        // What a client allows is done here, whatever the provider makes of it.
        return request with { Budget = budget, OwnFields = [.. request.OwnFields.Where(f => f.Name != ResponsesRequestReader.Truncation)] };
    }

    private HistoryBudget? Estimate(GenerationRequest request, Route route)
    {
        var policy = route.History?.Policy ?? options.Policy;
        if (request.MayTrim is true && policy == "off") policy = "window";
        if (request.MayTrim is false || policy == "off") return null;
        var window = WindowOf(route);
        if (window == 0) return null;
        var answer = request.Settings.MaxOutputTokens?.Value ?? window / AnswerShare;
        return new HistoryBudget(window, Math.Max(window - answer, window / 2), UsageSource.Estimated)
        {
            Summarizer = policy == "summary" ? route.History?.SummaryModel ?? options.SummaryModel ?? request.Model ?? "" : null,
        };
    }

    /// <summary>How much whoever of them is asked is able to read; 0 where that is not known.</summary>
    public static long WindowOf(Route route)
    {
        long least = 0;
        foreach (var target in route.Targets)
        {
            if (WindowOf(target) is > 0 and var window && (least == 0 || window < least)) least = window;
        }

        return least;
    }

    /// <summary>Has the provider count what may be too long, where it speaks the client's protocol and counts.</summary>
    private async ValueTask<HistoryBudget> CorrectAsync(HistoryBudget budget, GenerationRequest request, Route route)
    {
        var estimate = request.Messages.Sum(TokenEstimate.Of) + TokenEstimate.Of(request.Tools);
        if (estimate * WorstEstimate <= budget.Input) return budget;
        using var patience = new CancellationTokenSource(_patience);
        try
        {
            var count = await counter.CountOfRequestAsync(request, route.Targets[0], patience.Token);
            return count.IsEstimate ? budget : budget with { Scale = Math.Max(1, count.Tokens) / (double)estimate, Source = UsageSource.Provider };
        }
        catch (Exception e) when (e is RequestException or OperationCanceledException)
        {
            return budget;
        }
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
