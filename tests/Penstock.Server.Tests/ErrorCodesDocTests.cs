using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>Each code that an error may bear is explained where the pages say that it is.</summary>
public sealed partial class ErrorCodesDocTests
{
    [Fact]
    public async Task Each_code_is_on_the_page_of_http_or_of_streams()
    {
        var source = Path.Combine(Repository.Root, "src");
        var files = Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.StartsWith(Path.Combine(source, "Penstock.Client"), StringComparison.Ordinal) && !f.StartsWith(Path.Combine(source, "Penstock.Server"), StringComparison.Ordinal));
        var codes = files.SelectMany(f => Code().Matches(File.ReadAllText(f))).Select(m => m.Groups["code"].Value).Distinct(StringComparer.Ordinal).ToList();
        codes.Count.ShouldBeGreaterThan(60);
        var pages = string.Concat(await Task.WhenAll(((string[])["http.md", "streams.md"]).Select(p => File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", p)))));
        codes.Where(c => !pages.Contains($"`{c}`", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [GeneratedRegex(@"(Code = |Error\(|Conflict\(|LockedCode = |GenerationError [A-Za-z]+ = new\(\s*)""(?<code>[a-z]+(_[a-z]+)+)""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Code();
}
