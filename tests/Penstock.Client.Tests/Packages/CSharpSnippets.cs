using System.Text.RegularExpressions;
using Penstock.Client.Tests.Docs;

namespace Penstock.Client.Tests.Packages;

/// <summary>The pages' C#, as files of a project.</summary>
internal static partial class CSharpSnippets
{
    public static IReadOnlyList<Snippet> All { get; } = [.. Page.All.SelectMany(p => p.Snippets).Where(s => s.Language == "csharp")];

    /// <summary>Those that stand in an app's own Program.cs before it is built, or call its server by another's SDK.</summary>
    public static IReadOnlyList<Snippet> OfApps { get; } = [.. All.Where(s => (s.Code.Contains("builder.", StringComparison.Ordinal) && !IsProgram(s)) || s.Code.Contains("OpenAIClient", StringComparison.Ordinal))];

    /// <summary>Whether it is a whole Program.cs, the sample.</summary>
    public static bool IsProgram(Snippet snippet) => snippet.Code.Contains("WebApplication.CreateBuilder", StringComparison.Ordinal);

    /// <summary>A class with the snippet as its method RunAsync.</summary>
    public static string AsClass(Snippet snippet, string name, string parameters, params string[] namespaces)
    {
        var own = Using().Matches(snippet.Code).Select(m => m.Value);
        return $$"""
            {{string.Join('\n', namespaces.Select(n => $"using {n};").Union(own, StringComparer.Ordinal))}}

            internal static class {{name}}
            {
                // {{snippet.Page.Name}}:{{snippet.Line}}
                public static async Task RunAsync({{parameters}})
                {
                    await Task.CompletedTask;
                    {{Using().Replace(snippet.Code, "")}}
                }
            }
            """;
    }

    [GeneratedRegex("^using [A-Z][^;=(]*;", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Using();
}
