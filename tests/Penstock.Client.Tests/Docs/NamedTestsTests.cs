using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Client.Tests.Docs;

/// <summary>What the pages say a promise is attacked by is there.</summary>
public sealed partial class NamedTestsTests
{
    [Fact]
    public void Each_test_that_a_page_names_is_there()
    {
        var classes = Directory.GetFiles(Path.Combine(Repository.Root, "tests"), "*.cs", SearchOption.AllDirectories).Select(Path.GetFileNameWithoutExtension).ToHashSet(StringComparer.Ordinal);
        var named = Page.All.SelectMany(p => Name().Matches(p.Prose).Select(m => (Page: p.Name, Test: m.Groups["name"].Value))).ToList();
        named.Count.ShouldBeGreaterThan(30);
        named.Where(n => !classes.Contains(n.Test)).ShouldBeEmpty();
    }

    [GeneratedRegex("`(?<name>[A-Z]\\w+(Tests|Compliance))`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}
