using System.Text;

namespace Penstock.Providers.Simulated;

/// <summary>Writes an answer to a prompt in plain Markdown: the same for the same prompt and seed.</summary>
internal static class SimulatedText
{
    private const int DefaultParagraphs = 5;
    private const int LongestResult = 400;

    // *A* and *B* are the two words that carry the prompt.
    private static readonly string[] _body =
    [
        "Begin with *{A}*. Most accounts start from what can be seen and counted, because that is where people agree; only then do they ask why it is so. Keep the two apart, and half of the usual confusion never starts.",
        "The second thread is *{B}*. It is easy to take it for a detail, yet it decides how far the first answer carries. A small change here moves everything that stands on top of it, which is why careful people come back to it so often.",
        "An example helps. Picture somebody who meets *{A}* for the first time and has ten minutes to make sense of it. They would do well to sketch it on paper, name each part, and draw an arrow wherever one part depends on another. The arrows that run in a circle are the interesting ones.",
        "Three things are worth keeping apart:\n\n- **What is certain.** Some of it can be checked in an afternoon, and should be.\n- **What is likely.** Some of it holds most of the time, with exceptions that are known by name.\n- **What is open.** Some of it nobody knows yet, and it costs nothing to say so.",
        "It pays to ask who looks at *{A}* differently. An engineer sees costs and limits, a teacher sees the order in which to explain it, and a child sees the one thing that everybody else has stopped noticing. None of them is wrong, and together they see most of it.",
        "Numbers come last, though it is tempting to put them first. A number without its story is easy to repeat and hard to use; once it is clear how *{A}* and *{B}* hang together, the few numbers that matter nearly choose themselves.",
        "Written as a recipe, it is short:\n\n```text\n1. look closely at {A}\n2. name what changes, and what stays\n3. try one thing with {B}\n4. compare, and begin again at 1\n```\n\nThe fourth line is the one that people skip, and the one that teaches most.",
        "Does that not make *{A}* sound simpler than it is? It does, a little. Every explanation leaves something out, and a good one says what. Left out here are the history, most of the numbers, and the arguments that specialists still enjoy having.",
        "In practice, start small. Take one case of *{B}* that you know well, follow it from beginning to end, and write down where it surprised you. Surprise is cheap to record and hard to reconstruct, and it points straight at what is left to learn.",
    ];

    public static string Reasoning(SimulatedRequest request)
    {
        var topic = SimulatedTopic.Of(request.Prompt);
        return Fill("The prompt is “{QUOTE}”. The words that carry it are {A} and {B}. ", topic)
            + "I should begin with what is certain, give an example that can be pictured, and say plainly what I leave out. A few paragraphs will do.";
    }

    /// <summary>The paragraphs of an answer, each with the blank line before it; they never end if <paramref name="endless"/>.</summary>
    public static IEnumerable<string> Paragraphs(SimulatedRequest request, int seed, bool endless)
    {
        var topic = SimulatedTopic.Of(request.Prompt);
        var random = new SimulatedRandom(request.Prompt, seed);
        yield return request.ToolResults.Count > 0 ? FromTools(request, topic) : Opening(topic, random.Next(2));
        var wanted = request.ToolResults.Count > 0 ? 2 : DefaultParagraphs;
        do
        {
            foreach (var i in Some(endless ? _body.Length : wanted, ref random)) yield return "\n\n" + Fill(_body[i], topic);
        }
        while (endless);

        yield return Fill("\n\nSo, in a sentence: look closely at *{A}*, do not lose sight of *{B}*, and keep asking. Say which part matters most to you, and the next answer can begin there.", topic);
        yield return "\n\n_This is Penstock's simulated model, which needs no key. With a provider's key a real model answers here._";
    }

    private static string Opening(SimulatedTopic topic, int variant) => (topic.IsQuestion, variant) switch
    {
        (true, 0) => Fill("You asked: “{QUOTE}” It is a better question than it first seems, so let us take it in a few steps, from the plain facts to what you can do with them.", topic),
        (true, _) => Fill("“{QUOTE}” That can be answered in one line or in a book. Here is something in between, which starts with the parts and ends with the whole.", topic),
        (false, 0) => Fill("You wrote: “{QUOTE}” There is more in that than one line shows, so let us take it apart slowly and put it together again.", topic),
        (false, _) => Fill("“{QUOTE}” Gladly. Here it is in a few paragraphs, the plain things first and the surprising ones after them.", topic),
    };

    private static string FromTools(SimulatedRequest request, SimulatedTopic topic)
    {
        var text = new StringBuilder(Fill("You asked: “{QUOTE}” Here is what I found.", topic));
        foreach (var (tool, result) in request.ToolResults)
            text.Append("\n\n- `").Append(tool).Append("` says: ").Append(SimulatedTopic.Shorten(result, LongestResult));
        return text.ToString();
    }

    private static string Fill(string text, SimulatedTopic topic) => text
        .Replace("{A}", topic.Words.ElementAtOrDefault(0) ?? "the subject", StringComparison.Ordinal)
        .Replace("{B}", topic.Words.ElementAtOrDefault(1) ?? "the detail", StringComparison.Ordinal)
        .Replace("{QUOTE}", topic.Quote, StringComparison.Ordinal);

    /// <summary>Some of the paragraphs, in the order in which they read well.</summary>
    private static int[] Some(int count, ref SimulatedRandom random)
    {
        var chosen = Enumerable.Range(0, _body.Length).ToList();
        while (chosen.Count > count) chosen.RemoveAt(random.Next(chosen.Count));
        return [.. chosen];
    }
}
