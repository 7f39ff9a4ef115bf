using System.Globalization;

namespace Penstock.Protocols.History;

/// <summary>
/// Shortens a conversation to what its model can read. The oldest exchanges go first, each from a question to the next one; of the last
/// one, where it alone is too long, its oldest steps: calls with what the tools gave back. Instructions stay wherever they stand, and
/// the last question and a summary do.
/// </summary>
internal static class HistoryWindow
{
    /// <summary>The request as its model is to have it; as it was, where it fits or may be of any length.</summary>
    public static GenerationRequest Fit(GenerationRequest request)
    {
        if (request.Budget is not { } budget) return request;
        var most = MostOf(budget);
        var messages = request.Messages;
        var sizes = SizesOf(messages);
        var total = BesideOf(request) + sizes.Sum();
        if (total <= most) return request;

        var (from, to) = Exchanges(messages, sizes, most, ref total);
        var left = Range(messages, from, to);
        if (total > most)
        {
            (from, to) = Steps(messages, sizes, most, to, ref total);
            left.AddRange(Range(messages, from, to));
        }

        return left.Count == 0 ? request : LeaveOut(request, left, budget, sizes);
    }

    /// <summary>The request with all that was left out of it.</summary>
    public static GenerationRequest Whole(GenerationRequest request) => request.Trimmed is { } trimmed ? request with { Messages = trimmed.Whole, Trimmed = null } : request;

    /// <summary>Whether the model can be sent all of it.</summary>
    public static bool Fits(GenerationRequest request) => request.Budget is not { } budget || BesideOf(request) + SizesOf(request.Messages).Sum() <= MostOf(budget);

    /// <summary>What a request may have, as it is estimated.</summary>
    public static long MostOf(HistoryBudget budget) => (long)(budget.Input / budget.Scale);

    /// <summary>What is sent beside the conversation.</summary>
    public static long BesideOf(GenerationRequest request) => TokenEstimate.Of(request.AllTools) + request.AddedAndPrefix.Sum(TokenEstimate.Of);

    public static long[] SizesOf(IReadOnlyList<Message> messages) => [.. messages.Select(TokenEstimate.Of)];

    /// <summary>Where the first exchange begins.</summary>
    public static int FirstOf(IReadOnlyList<Message> messages)
    {
        var first = 0;
        while (first < messages.Count && IsKept(messages[first])) first++;
        return first;
    }

    /// <summary>Whether an exchange begins there that may stand without the one before.</summary>
    public static bool BeginsExchange(IReadOnlyList<Message> messages, int index) => IsQuestion(messages[index]) && IsBeginning(messages, index);

    /// <summary>The exchanges to leave out, so that the rest fits, or all but the last.</summary>
    private static (int From, int To) Exchanges(IReadOnlyList<Message> messages, long[] sizes, long most, ref long total)
    {
        var from = FirstOf(messages);
        var to = from;
        for (var i = from; i < messages.Count && total > most; i++)
        {
            if (i == from || !BeginsExchange(messages, i)) continue;
            for (; to < i; to++) total -= IsKept(messages[to]) ? 0 : sizes[to];
        }

        return (from, to);
    }

    /// <summary>The steps of the last exchange to leave out, so that the rest fits, or all but the last of them.</summary>
    private static (int From, int To) Steps(IReadOnlyList<Message> messages, long[] sizes, long most, int begin, ref long total)
    {
        var from = begin;
        while (from < messages.Count && messages[from].Role != Role.Assistant) from++;
        var to = from;
        for (var i = from + 1; i < messages.Count && total > most; i++)
        {
            if (messages[i].Role != Role.Assistant || !HasResult(messages[i - 1]) || !IsBeginning(messages, i)) continue;
            for (; to < i; to++) total -= IsKept(messages[to]) ? 0 : sizes[to];
        }

        return (from, to);
    }

    /// <summary>The messages between two that may be left out.</summary>
    public static List<int> Range(IReadOnlyList<Message> messages, int from, int to) => [.. Enumerable.Range(from, to - from).Where(i => !IsKept(messages[i]))];

    /// <summary>The request without some of its messages.</summary>
    public static GenerationRequest LeaveOut(GenerationRequest request, List<int> left, HistoryBudget budget, long[] sizes)
    {
        var messages = request.Messages;
        var places = new HashSet<int>(request.Trimmed?.LeftOut.Places ?? new HashSet<int>());
        var (list, kept) = (request.Trimmed?.LeftOut.List ?? "", messages.Where(IsKept).Select(PlaceOf).ToHashSet());
        foreach (var i in left)
        {
            // With what stands between in the client's body, and is no message to us.
            var (first, next) = (PlaceOf(messages[i]), i + 1 < messages.Count ? PlaceOf(messages[i + 1]) : null);
            if (first is not var (name, place)) continue;
            list = name;
            var end = next is var (other, following) && other == name ? Math.Max(place + 1, following) : LastPlaceOf(messages[i]) + 1;
            for (; place < end; place++)
            {
                if (!kept.Contains((name, place))) places.Add(place);
            }
        }

        var gone = left.ToHashSet();
        return request with
        {
            Messages = [.. messages.Where((_, i) => !gone.Contains(i))],
            Trimmed = new HistoryTrim(left.Count + (request.Trimmed?.Messages ?? 0), (long)(left.Sum(i => sizes[i]) * budget.Scale) + (request.Trimmed?.Tokens ?? 0), budget.Window, budget.Source)
            {
                LeftOut = (list, places),
                Whole = request.Trimmed?.Whole ?? messages,
                Summary = request.Trimmed?.Summary,
                SummaryError = request.Trimmed?.SummaryError,
            },
        };
    }

    // Instructions, and what stands for what was left out before.
    private static bool IsKept(Message message) => message.Role is Role.System or Role.Developer || message.IsSummary;

    // Some protocols have a tool's result said by the user.
    private static bool IsQuestion(Message message) => message.Role == Role.User && !HasResult(message);

    private static bool HasResult(Message message) => message.Parts.Any(p => p is ToolResultPart);

    // One item of the client's may be several messages here, results of tools and a question say: there is no cut between them.
    private static bool IsBeginning(IReadOnlyList<Message> messages, int index) =>
        PlaceOf(messages[index]) is not var (list, place) || list != PlaceOf(messages[index - 1])?.List || place != LastPlaceOf(messages[index - 1]);

    private static (string List, int Place)? PlaceOf(Message message)
    {
        foreach (var part in message.Parts)
        {
            if (PlaceOf(part) is { } place) return place;
        }

        return null;
    }

    private static int LastPlaceOf(Message message)
    {
        for (var i = message.Parts.Count - 1; i >= 0; i--)
        {
            if (PlaceOf(message.Parts[i]) is var (_, place)) return place;
        }

        return -1;
    }

    // messages[3].content[0] stands at place 3 of messages.
    private static (string List, int Place)? PlaceOf(Part part)
    {
        var path = part.Path.AsSpan();
        var (open, close) = (path.IndexOf('['), path.IndexOf(']'));
        if (open <= 0 || close < open) return null;
        return int.TryParse(path[(open + 1)..close], NumberStyles.None, CultureInfo.InvariantCulture, out var place) ? (path[..open].ToString(), place) : null;
    }
}
