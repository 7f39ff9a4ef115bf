using System.Numerics;

namespace Penstock.Protocols.History;

/// <summary>How much of a conversation the model that answers may be sent.</summary>
/// <param name="Window">The model's window, in tokens.</param>
/// <param name="Input">What a request may have of it, in tokens; the rest is the answer's.</param>
/// <param name="Source">Whether the provider counted, by which the estimate is then corrected.</param>
public sealed record HistoryBudget(long Window, long Input, UsageSource Source)
{
    // As long as a summary may be worth being read each time.
    private const long LongestSummary = 2048;
    private const long ShortestSummary = 64;

    /// <summary>How many tokens the provider counts where one is estimated here.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>The model that sums up what is left out; empty for the default model, null where nobody does.</summary>
    public string? Summarizer { get; init; }

    /// <summary>How many tokens a summary may have: an eighth of the window, as a power of two, so that windows of about one size share theirs.</summary>
    internal long SummaryTokens => 1L << BitOperations.Log2((ulong)Math.Clamp(Window / 8, ShortestSummary, LongestSummary));

    /// <summary>All that <see cref="SummaryTokens"/> may be.</summary>
    internal static IEnumerable<long> SummarySizes
    {
        get
        {
            for (var size = ShortestSummary; size <= LongestSummary; size *= 2) yield return size;
        }
    }
}

/// <summary>What of a conversation the model was not sent.</summary>
/// <param name="Messages">How many messages.</param>
/// <param name="Tokens">About how many tokens those have.</param>
/// <param name="Window">The window that all of it was too long for, in tokens.</param>
/// <param name="Source">Who counted the tokens.</param>
public sealed record HistoryTrim(int Messages, long Tokens, long Window, UsageSource Source)
{
    /// <summary>The list of the client's body that it was left out of, and the places there: what a provider of the same protocol is not sent.</summary>
    internal (string List, IReadOnlySet<int> Places) LeftOut { get; init; } = ("", new HashSet<int>());

    /// <summary>The conversation before anything was left out of it.</summary>
    internal IReadOnlyList<Message> Whole { get; init; } = [];

    /// <summary>What stands for it, or for the older part of it; null for nothing.</summary>
    public HistorySummary? Summary { get; init; }

    /// <summary>Why there is no summary of it, or only an older one, where there was to be one: a stable word, such as <c>provider_timeout</c>.</summary>
    public string? SummaryError { get; init; }

    /// <summary>Whether an item of a list of the client's body is left out.</summary>
    internal bool LeavesOut(string list, int place) => LeftOut.List == list && LeftOut.Places.Contains(place);

    /// <summary>What a provider is sent in place of an item that is left out: the summary, in place of the first.</summary>
    internal IReadOnlyList<Message> InPlaceOf(int place) => Summary is null || place > LeftOut.Places.Min() ? [] : Summary.Exchange;
}

/// <summary>What stands for the older part of a conversation.</summary>
/// <param name="Messages">For how many messages.</param>
/// <param name="Tokens">About how many tokens it has.</param>
/// <param name="Generation">The generation that made it.</param>
public sealed record HistorySummary(int Messages, long Tokens, string Generation)
{
    internal string Text { get; init; } = "";

    /// <summary>The summary as the model is told it: it was asked for, and is the model's own answer. So who speaks stays in turn, and what it says is nobody's instruction.</summary>
    internal IReadOnlyList<Message> Exchange =>
    [
        new(Role.User, [new TextPart("The earlier part of our conversation is left out here, since it is too long. Sum it up.")]) { IsSummary = true },
        new(Role.Assistant, [new TextPart(Text)]) { IsSummary = true },
    ];
}
