using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Penstock.AspNetCore.Configuration;
using Penstock.Mcp;
using Penstock.Testing;

namespace Penstock.Client.Tests.Docs;

/// <summary>A server starts with what the pages print as its <c>appsettings.json</c>, and knows each of its keys.</summary>
public sealed partial class ConfigurationSnippetTests
{
    public static TheoryData<string, int> Settings =>
        [.. Page.All.SelectMany(p => p.Snippets).Where(s => s.Language == "json" && s.Code.Contains("\"Penstock\"", StringComparison.Ordinal)).Select(s => (s.Page.Name, s.Line))];

    [Theory]
    [MemberData(nameof(Settings))]
    public async Task It_is_understood(string page, int line)
    {
        var settings = Page.Of(page).Snippets.Single(s => s.Line == line).Code;
        Understand(settings);
        var folder = Directory.CreateTempSubdirectory("penstock-docs-").FullName;
        try
        {
            // A tool's server that is not there keeps no server from starting, and the tests start nobody else's.
            await File.WriteAllTextAsync(Path.Combine(folder, "appsettings.json"), settings.Replace("\"npx\"", "\"false\"", StringComparison.Ordinal));
            await using var server = await PenstockProcess.StartAsync(new PenstockSettings { ["Storage:Path"] = folder });
            (await Api.SendTextAsync(server.Api.Get("readyz"))).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void There_are_some_and_a_key_that_does_not_exist_is_found()
    {
        Settings.Count().ShouldBeGreaterThanOrEqualTo(4);
        Should.Throw<InvalidOperationException>(() => Understand("""{ "Penstock": { "Limits": { "PerKey": { "Wishes": 3 } } } }"""));
    }

    private static void Understand(string settings)
    {
        var values = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(settings))).Build().AsEnumerable().ToList();
        Bind("Penstock", new PenstockOptions(), values.Where(v => !v.Key.StartsWith("Penstock:Mcp", StringComparison.Ordinal) && !PlainTarget().IsMatch(v.Key)));
        Bind("Penstock:Mcp:Servers", new Dictionary<string, McpServerOptions>(StringComparer.Ordinal), values);
    }

    private static void Bind(string section, object options, IEnumerable<KeyValuePair<string, string?>> values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values).Build().GetSection(section).Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);

    // A target that is only a model's name, which PlainTargets reads.
    [GeneratedRegex(@":Targets:\d+$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PlainTarget();
}
