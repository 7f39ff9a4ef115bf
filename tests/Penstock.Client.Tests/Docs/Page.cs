using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Client.Tests.Docs;

/// <summary>A page of Markdown in the repository.</summary>
internal sealed partial record Page(string Path)
{
    private static readonly string[] _folders = ["docs", "samples", "deploy", "bench", "src", "web"];

    public static IReadOnlyList<Page> All { get; } =
    [
        .. Directory.GetFiles(Repository.Root, "*.md").Concat(_folders.SelectMany(f => Directory.GetFiles(System.IO.Path.Combine(Repository.Root, f), "*.md", SearchOption.AllDirectories)))
            .Where(f => !f.Contains("node_modules", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(f => new Page(f)),
    ];

    /// <summary>Where it is in the repository: <c>docs/http.md</c>.</summary>
    public string Name => System.IO.Path.GetRelativePath(Repository.Root, Path);

    public string Text { get; } = File.ReadAllText(Path);

    /// <summary>What stands between its blocks of code.</summary>
    public string Prose => Fence().Replace(Text, "");

    public IReadOnlyList<Snippet> Snippets =>
        [.. Fence().Matches(Text).Select(m => new Snippet(this, Text.AsSpan(0, m.Index).Count('\n') + 1, m.Groups["language"].Value, m.Groups["code"].Value))];

    public static Page Of(string name) => All.Single(p => p.Name == name);

    [GeneratedRegex(@"^```(?<language>\w*)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fence();
}

/// <summary>A block of code in a page.</summary>
internal sealed record Snippet(Page Page, int Line, string Language, string Code)
{
    public override string ToString() => $"{Page.Name}:{Line}\n{Code}";
}
