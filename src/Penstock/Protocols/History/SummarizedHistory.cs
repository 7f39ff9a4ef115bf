using System.Security.Cryptography;
using System.Text;

namespace Penstock.Protocols.History;

/// <summary>A place in a conversation where an exchange begins: what stands before it may be summed up.</summary>
/// <param name="Index">The message.</param>
/// <param name="Hash">Says all that stands before it but for the instructions: whoever has said the same has the same.</param>
internal readonly record struct ExchangeStart(int Index, string Hash);

/// <summary>Puts a summary in the place of a conversation's oldest exchanges.</summary>
internal static class SummarizedHistory
{
    private const int HashBytes = 16;

    /// <summary>Where exchanges begin, but for the first.</summary>
    public static IReadOnlyList<ExchangeStart> Starts(IReadOnlyList<Message> messages)
    {
        var starts = new List<ExchangeStart>();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var first = HistoryWindow.FirstOf(messages);
        for (var i = first; i < messages.Count; i++)
        {
            if (i > first && HistoryWindow.BeginsExchange(messages, i)) starts.Add(new ExchangeStart(i, Convert.ToHexStringLower(hash.GetCurrentHash().AsSpan(0, HashBytes))));
            if (messages[i].Role is not (Role.System or Role.Developer)) Append(hash, messages[i]);
        }

        return starts;
    }

    /// <summary>Up to where to sum up, so that some exchanges more fit before it has to be done again.</summary>
    /// <param name="request">The whole request.</param>
    /// <param name="starts">Where exchanges begin in it, at least one.</param>
    public static ExchangeStart Goal(GenerationRequest request, IReadOnlyList<ExchangeStart> starts)
    {
        var (budget, messages) = (request.Budget!, request.Messages);
        var sizes = HistoryWindow.SizesOf(messages);
        var beside = HistoryWindow.BesideOf(request) + (long)(budget.SummaryTokens / budget.Scale) + messages.Index().Where(m => m.Item.Role is Role.System or Role.Developer).Sum(m => sizes[m.Index]);
        var room = (HistoryWindow.MostOf(budget) - beside) / 2;
        var (goal, rest) = (starts.Count - 1, SizeOf(starts[^1].Index, messages.Count));
        while (goal > 0 && (rest += SizeOf(starts[goal - 1].Index, starts[goal].Index)) <= room) goal--;
        return starts[goal];

        long SizeOf(int from, int to) => HistoryWindow.Range(messages, from, to).Sum(i => sizes[i]);
    }

    /// <summary>The request with a summary in place of what stands before a start.</summary>
    /// <param name="request">The whole request.</param>
    /// <param name="start">The first message that stays.</param>
    /// <param name="generation">Who made the summary.</param>
    /// <param name="text">The summary.</param>
    public static GenerationRequest Replace(GenerationRequest request, ExchangeStart start, string generation, string text)
    {
        var first = HistoryWindow.FirstOf(request.Messages);
        var left = HistoryWindow.Range(request.Messages, first, start.Index);
        var rest = HistoryWindow.LeaveOut(request, left, request.Budget!, HistoryWindow.SizesOf(request.Messages));
        var summary = new HistorySummary(left.Count, 0, generation) { Text = text };
        summary = summary with { Tokens = (long)(summary.Exchange.Sum(TokenEstimate.Of) * request.Budget!.Scale) };
        return rest with
        {
            Messages = [.. rest.Messages.Take(first), .. summary.Exchange, .. rest.Messages.Skip(first)],
            Trimmed = rest.Trimmed! with { Summary = summary },
        };
    }

    private static void Append(IncrementalHash hash, Message message)
    {
        Append(hash, message.Role.ToString());
        foreach (var part in message.Parts) Append(hash, part);
    }

    // What it says, and not how some protocol names or signs it: the same conversation is the same in each.
    private static void Append(IncrementalHash hash, Part part)
    {
        switch (part)
        {
            case TextPart text:
                Append(hash, "text", text.Text);
                break;
            case MediaPart media:
                Append(hash, "media", media.Url ?? media.FileId ?? "");
                hash.AppendData(SHA256.HashData(media.Data.Span));
                break;
            case ToolCallPart call:
                Append(hash, "call", call.Name, call.Arguments);
                break;
            case ToolResultPart result:
                Append(hash, "result");
                foreach (var piece in result.Content) Append(hash, piece);
                break;
        }
    }

    // With its length, so that no text can be read as two.
    private static void Append(IncrementalHash hash, params ReadOnlySpan<string> texts)
    {
        foreach (var text in texts)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
    }
}
