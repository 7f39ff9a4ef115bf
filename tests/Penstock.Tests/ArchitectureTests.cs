using System.Text.RegularExpressions;
using System.Xml.Linq;
using Penstock.Testing;

namespace Penstock.Tests;

/// <summary>The directions in which the parts of the house may know each other.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string _src = Path.Combine(Repository.Root, "src");

    /// <summary>What each folder of the engine may name, besides itself.</summary>
    public static TheoryData<string, string[]> Folders => new()
    {
        { "Sse", [] },
        { "Streams", [] },
        { "Jobs", [] },
        { "Telemetry", [] },
        { "Protocols", ["Sse"] },
        { "Transport", [] },
        { "Providers", ["Protocols", "Sse", "Telemetry", "Transport"] },
        { "Limits", ["Protocols", "Streams"] },
        { "Generations", ["Providers", "Protocols", "Sse", "Streams", "Jobs", "Limits", "Telemetry"] },
    };

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_of_the_engine_names_only_what_is_below_it(string folder, string[] below)
    {
        var root = Path.Combine(_src, "Penstock", folder);
        if (!Directory.Exists(root)) return; // not built yet
        var named = Sources(root).SelectMany(file => EngineFolder().Matches(Code(file)).Select(m => (m.Groups["folder"].Value, File: Path.GetFileName(file))));
        named.Where(n => n.Value != folder && !below.Contains(n.Value)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_folder_of_the_engine_has_its_place_in_the_order()
    {
        var known = Folders.Select(row => row.Data.Item1);
        Directory.GetDirectories(Path.Combine(_src, "Penstock")).Select(Path.GetFileName).ShouldBeSubsetOf(known);
    }

    [Fact]
    public void Every_file_of_the_engine_is_in_the_namespace_of_its_folder()
    {
        foreach (var file in Sources(Path.Combine(_src, "Penstock")))
        {
            var expected = Path.GetRelativePath(_src, Path.GetDirectoryName(file)!).Replace(Path.DirectorySeparatorChar, '.');
            File.ReadAllText(file).ShouldContain($"namespace {expected};", customMessage: file);
        }
    }

    [Theory]
    [InlineData("Penstock", "")]
    [InlineData("Penstock.AspNetCore", "Penstock")]
    [InlineData("Penstock.Redis", "Penstock")]
    [InlineData("Penstock.RabbitMQ", "Penstock")]
    [InlineData("Penstock.Client", "")]
    [InlineData("Penstock.Mcp", "Penstock")]
    [InlineData("Penstock.Server", "Penstock Penstock.AspNetCore Penstock.Redis Penstock.RabbitMQ Penstock.Mcp Penstock.Client")]
    public void An_assembly_references_only_what_is_below_it(string project, string below)
    {
        var file = Path.Combine(_src, project, $"{project}.csproj");
        if (!File.Exists(file)) return; // not built yet
        var references = XDocument.Load(file).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));
        references.ShouldBeSubsetOf(below.Split(' '));
    }

    [Fact]
    public void The_engine_knows_neither_aspnetcore_nor_a_brokers_sdk()
    {
        var references = typeof(global::Penstock.Streams.IStreamLog).Assembly.GetReferencedAssemblies().Select(a => a.Name!);
        references.ShouldAllBe(name => !name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
            && !name.StartsWith("StackExchange", StringComparison.Ordinal) && !name.StartsWith("RabbitMQ", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Sources(string root) => Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories);

    // Comments may point anywhere.
    private static string Code(string file) => string.Join('\n', File.ReadLines(file).Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)));

    // By its whole name, or as code beside it may name it: Streams.IStreamLog.
    [GeneratedRegex(@"(\bPenstock\.|(?<![\w.]))(?<folder>Sse|Streams|Jobs|Limits|Transport|Telemetry|Protocols|Providers|Generations)(\b(?<=Penstock\.\w+)|\.(?=[A-Z]))", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex EngineFolder();
}
