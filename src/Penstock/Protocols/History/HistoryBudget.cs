namespace Penstock.Protocols.History;

/// <summary>How much of a conversation the model that answers may be sent.</summary>
/// <param name="Window">The model's window, in tokens.</param>
/// <param name="Input">What a request may have of it, in tokens; the rest is the answer's.</param>
/// <param name="Source">Whether the provider counted, by which the estimate is then corrected.</param>
public sealed record HistoryBudget(long Window, long Input, UsageSource Source)
{
    /// <summary>How many tokens the provider counts where one is estimated here.</summary>
    public double Scale { get; init; } = 1;
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

    /// <summary>Whether an item of a list of the client's body is left out.</summary>
    internal bool LeavesOut(string list, int place) => LeftOut.List == list && LeftOut.Places.Contains(place);
}
