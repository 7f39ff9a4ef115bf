using System.Text.RegularExpressions;

namespace Penstock.Client.Tests.Docs;

/// <summary>What the pages link to is there: the file, and the heading in it.</summary>
public sealed partial class LinksTests
{
    [Fact]
    public void Each_link_of_each_page_leads_somewhere()
    {
        Page.All.Count.ShouldBeGreaterThan(30);
        var dead = from page in Page.All
                   from Match link in Link().Matches(page.Prose)
                   let target = link.Groups["target"].Value
                   where !Leads(page, target)
                   select $"{page.Name}: {target}";
        dead.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("README.md", "docs/nowhere.md")]
    [InlineData("README.md", "docs/design.md#nowhere")]
    [InlineData("README.md", "#nowhere")]
    [InlineData("docs/README.md", "README.md#start")]
    public void One_that_leads_nowhere_is_found(string page, string target) => Leads(Page.Of(page), target).ShouldBeFalse();

    [Fact]
    public void Each_page_of_docs_is_named_by_the_one_that_says_where_to_start()
    {
        var start = Page.Of("docs/README.md");
        Page.All.Select(p => p.Name).Where(n => n.StartsWith("docs/", StringComparison.Ordinal) && n != start.Name)
            .Where(n => !start.Text.Contains($"({n["docs/".Length..]}", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static bool Leads(Page page, string target)
    {
        if (Elsewhere().IsMatch(target)) return true;
        var (path, heading) = target.Split('#', 2) is [var p, var h] ? (p, h) : (target, "");
        var file = path.Length == 0 ? page.Path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page.Path)!, path));
        if (!Path.Exists(file)) return false;
        return heading.Length == 0 || !file.EndsWith(".md", StringComparison.Ordinal)
            || Heading().Matches(new Page(file).Prose).Any(m => Anchor(m.Groups["text"].Value) == heading);
    }

    // As GitHub makes it of a heading.
    private static string Anchor(string heading) =>
        NoAnchor().Replace(LinkText().Replace(heading, "${text}").Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Link();

    [GeneratedRegex("^[a-z]+:", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Elsewhere();

    [GeneratedRegex("^#+ (?<text>.*)$", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\[(?<text>[^\]]*)\]\([^)]*\)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LinkText();

    [GeneratedRegex(@"[^\w\- ]", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NoAnchor();
}
