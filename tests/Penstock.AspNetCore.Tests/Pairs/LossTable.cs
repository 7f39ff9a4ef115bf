using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>The tables of <c>docs/protocols.md</c> that say what each protocol has words for. These tests are held to it, and it to them.</summary>
internal static class LossTable
{
    private static readonly string[] _lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "protocols.md"));

    /// <summary>What answers can say: feature, protocol, mark.</summary>
    public static readonly IReadOnlyDictionary<(string Feature, string Protocol), string> Answers = Read("## Answers");

    /// <summary>What requests can say.</summary>
    public static readonly IReadOnlyDictionary<(string Feature, string Protocol), string> Requests = Read("## Requests");

    /// <summary>The rows of <see cref="Answers"/> that are understood here, and the marks that each may have.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Known = new Dictionary<string, string[]>
    {
        ["encrypted reasoning"] = ["yes", "as a signature"],
        ["signature of text"] = ["yes", "as one of reasoning", "as encrypted reasoning"],
        ["signature of a tool call"] = ["yes", "in an extra member", "as encrypted reasoning"],
        ["ids of tool calls"] = ["yes", "no"],
        ["refusal"] = ["yes", "as text", "as filtered text"],
        ["sources"] = ["yes", "no"],
        ["images made"] = ["yes", "no"],
        ["cached tokens"] = ["yes", "no"],
        ["tokens written to the cache"] = ["yes", "no"],
        ["reasoning tokens"] = ["yes", "no"],
    };

    public static IEnumerable<string> Features(IReadOnlyDictionary<(string Feature, string Protocol), string> table) => table.Keys.Select(k => k.Feature).Distinct();

    /// <summary>What of an answer a provider of the protocol can say.</summary>
    public static Answer Sayable(Answer answer, string provider)
    {
        if (!Says("signature of text", provider)) answer = answer with { TextSignature = null };
        if (!Says("encrypted reasoning", provider)) answer = answer with { Redacted = null };
        answer = Understood(answer, provider);
        if (!Says("signature of a tool call", provider)) answer = answer with { Calls = [.. answer.Calls.Select(c => c with { Signature = null })] };
        return answer.Redacted == Carried ? answer with { Redacted = null } : answer;
    }

    /// <summary>What of an answer a client of the protocol is told: the rest is left out, or said in another place.</summary>
    public static Answer Understood(Answer answer, string client)
    {
        string Mark(string feature) => Answers[(feature, client)];
        if (Mark("refusal") != "yes" && answer.Refusal.Length > 0)
            answer = answer with { Text = answer.Text + answer.Refusal, Refusal = "", Stop = Mark("refusal") == "as filtered text" ? "filter" : answer.Stop };
        if (Mark("encrypted reasoning") == "as a signature" && answer.Redacted is { } redacted) answer = answer with { Redacted = null, ReasoningSignature = redacted };
        if (Mark("signature of text") == "as one of reasoning" && answer.TextSignature is { } signature) answer = answer with { TextSignature = null, ReasoningSignature = signature };
        if (Mark("signature of text") == "as encrypted reasoning" && answer.TextSignature is { } data) answer = answer with { TextSignature = null, Redacted = data };
        if (Mark("signature of a tool call") == "as encrypted reasoning" && answer.Calls.Any(c => c.Signature is not null)) answer = answer with { Redacted = Carried };
        if (Mark("signature of a tool call") is not ("yes" or "in an extra member")) answer = answer with { Calls = [.. answer.Calls.Select(c => c with { Signature = null })] };
        if (Mark("sources") != "yes") answer = answer with { Sources = [] };
        if (Mark("images made") != "yes") answer = answer with { Image = null };
        if (answer.Usage is not { } usage) return answer;
        return answer with
        {
            Usage = usage with
            {
                Cached = Says("cached tokens", client) ? usage.Cached : 0,
                CacheWrite = Says("tokens written to the cache", client) ? usage.CacheWrite : 0,
                Reasoning = Says("reasoning tokens", client) ? usage.Reasoning : 0,
            },
        };
    }

    /// <summary>Stands for ciphertext that carries what the protocol has no other place for.</summary>
    public const string Carried = "(carried)";

    private static bool Says(string feature, string protocol) => Answers[(feature, protocol)] == "yes";

    private static Dictionary<(string, string), string> Read(string heading)
    {
        var table = new Dictionary<(string, string), string>();
        string[]? columns = null;
        foreach (var line in _lines.SkipWhile(l => l != heading).Skip(1).TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal)))
        {
            if (!line.StartsWith('|')) continue;
            var cells = line.Trim('|').Split('|').Select(c => c.Trim()).ToArray();
            if (columns is null) columns = [.. cells.Select(c => c.Trim('`'))];
            else if (!cells[0].StartsWith("---", StringComparison.Ordinal))
            {
                for (var i = 1; i < cells.Length; i++) table.Add((cells[0], columns[i]), cells[i]);
            }
        }

        return table;
    }
}
