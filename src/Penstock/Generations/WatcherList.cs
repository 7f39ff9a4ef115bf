using System.Globalization;
using System.Text;
using Penstock.Streams;

namespace Penstock.Generations;

/// <summary>Lists who watches generations, at this node and at all others: those are asked when somebody wants to know, and say nothing otherwise.</summary>
internal sealed class WatcherList
{
    /// <summary>How many of one generation are told of.</summary>
    private const int Most = 100;

    private const string Question = "watchers";

    private readonly IStreamLog _log;
    private readonly GenerationWorker _worker;
    private readonly Watchers _watchers;

    public WatcherList(IStreamLog log, GenerationWorker worker, Watchers watchers)
    {
        (_log, _worker, _watchers) = (log, worker, watchers);
        log.AnswerOthers(Answer);
    }

    /// <summary>The last event that each who watches has been given, by the ids of the generations, those of this node first.</summary>
    public async ValueTask<IReadOnlyDictionary<string, List<long>>> FindAsync(IReadOnlyCollection<string> ids)
    {
        var answers = ids.Count == 0 ? [] : await _log.AskOthersAsync($"{Question} {string.Join(' ', ids)}");
        var found = ids.ToDictionary(id => id, id => Here(id).ToList(), StringComparer.Ordinal);
        foreach (var answer in answers)
        {
            foreach (var line in answer.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var words = line.Split(' ');
                if (!found.TryGetValue(words[0], out var positions)) continue;
                foreach (var word in words.Skip(1))
                {
                    if (positions.Count < Most && long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var position)) positions.Add(position);
                }
            }
        }

        return found;
    }

    // A line for each generation that somebody watches here: its id, and their positions.
    private string Answer(string question)
    {
        var words = question.Split(' ');
        if (words[0] != Question) return "";
        var answer = new StringBuilder();
        foreach (var id in words.Skip(1))
        {
            var positions = Here(id);
            if (positions.Count > 0) answer.Append(id).Append(' ').AppendJoin(' ', positions).Append('\n');
        }

        return answer.ToString();
    }

    private IReadOnlyList<long> Here(string id) =>
        _worker.Find(id)?.Subscribers.Positions(Most) is { Count: > 0 } here ? here : _watchers.Positions(id, Most);
}
