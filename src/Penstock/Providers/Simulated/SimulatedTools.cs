using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using static Penstock.Providers.Simulated.SimulatedRequest;

namespace Penstock.Providers.Simulated;

/// <summary>Decides which of the offered functions to call.</summary>
internal static partial class SimulatedTools
{
    /// <summary>
    /// The functions that the prompt names, in the order in which it names them, or what <c>tool_choice</c> demands; those that it
    /// names after a "then" come in a step of their own.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="step">How often tools were called for it before.</param>
    public static IReadOnlyList<(string Name, JsonElement Parameters)> Choose(JsonElement request, string prompt, int step)
    {
        var choice = Get(request, "tool_choice");
        var isForced = choice.ValueKind == JsonValueKind.Object || (choice.ValueKind == JsonValueKind.String && choice.ValueEquals("required"));
        if (isForced) return step == 0 ? Choose(request, prompt) : [];
        var steps = Then().Split(prompt).Select(part => Choose(request, part)).Where(calls => calls.Count > 0);
        return steps.ElementAtOrDefault(step) ?? [];
    }

    private static IReadOnlyList<(string Name, JsonElement Parameters)> Choose(JsonElement request, string prompt)
    {
        if (Get(request, "tools") is not { ValueKind: JsonValueKind.Array } tools) return [];
        var offered = tools.EnumerateArray()
            .Select(t => Get(t, "function"))
            .Where(f => !string.IsNullOrEmpty(String(f, "name")))
            .Select(f => (Name: String(f, "name")!, Parameters: Get(f, "parameters")))
            .ToList();

        var choice = Get(request, "tool_choice");
        if (choice.ValueKind == JsonValueKind.Object)
            return [.. offered.Where(t => t.Name == String(Get(choice, "function"), "name")).Take(1)];
        if (choice.ValueKind == JsonValueKind.String && choice.ValueEquals("none")) return [];

        var words = Words(prompt);
        var named = offered
            .Select(tool => (tool, at: words.IndexOf(Words(tool.Name), StringComparison.Ordinal)))
            .Where(t => t.at >= 0)
            .OrderBy(t => t.at)
            .Select(t => t.tool)
            .ToList();
        if (named.Count == 0 && choice.ValueKind == JsonValueKind.String && choice.ValueEquals("required")) named = [.. offered.Take(1)];
        return Get(request, "parallel_tool_calls").ValueKind == JsonValueKind.False ? [.. named.Take(1)] : named;
    }

    /// <summary>Lower case, one space around each word: <c>get_weather</c>, <c>getWeather</c> and "get weather" are the same.</summary>
    private static string Words(string text)
    {
        var words = new StringBuilder(" ");
        for (var i = 0; i < text.Length; i++)
        {
            var hump = i > 0 && char.IsUpper(text[i]) && char.IsLower(text[i - 1]);
            if ((hump || !char.IsLetterOrDigit(text[i])) && words[^1] != ' ') words.Append(' ');
            if (char.IsLetterOrDigit(text[i])) words.Append(char.ToLowerInvariant(text[i]));
        }

        if (words[^1] != ' ') words.Append(' ');
        return words.ToString();
    }

    [GeneratedRegex(@"\bthen\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Then();
}
