using System.IO.Compression;
using System.Xml.Linq;
using Penstock.Client.Tests.Docs;
using Penstock.Testing;

namespace Penstock.Client.Tests.Packages;

/// <summary>The packages, in fresh projects that have nothing else, by the commands and the code that their readmes print.</summary>
public sealed class PackageTests(PackedPackages packed) : IClassFixture<PackedPackages>
{
    private static readonly string[] _packages = ["Penstock", "Penstock.AspNetCore", "Penstock.Client", "Penstock.Mcp", "Penstock.RabbitMQ", "Penstock.Redis", "Penstock.Server"];

    [Fact]
    public void Each_says_what_it_is()
    {
        var files = Directory.GetFiles(packed.Folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal).ToList();
        files.Count(f => f.EndsWith(".nupkg", StringComparison.Ordinal)).ShouldBe(_packages.Length);
        foreach (var package in _packages)
        {
            var file = files.Single(f => f.StartsWith($"{package}.0", StringComparison.Ordinal) && f.EndsWith(".nupkg", StringComparison.Ordinal));
            files.ShouldContain(Path.ChangeExtension(file, ".snupkg"));
            using var zip = ZipFile.OpenRead(Path.Combine(packed.Folder, file));
            using var nuspec = zip.GetEntry($"{package}.nuspec")!.Open();
            var metadata = XDocument.Load(nuspec).Root!.Elements().Single();
            string Value(string name) => metadata.Elements().Single(e => e.Name.LocalName == name).Value;
            Value("license").ShouldBe("MIT", package);
            Value("readme").ShouldBe("README.md", package);
            Value("description").ShouldContain("Penstock", customMessage: package);
            zip.GetEntry("README.md").ShouldNotBeNull(package);
            var dependencies = metadata.Descendants().Where(e => e.Name.LocalName == "dependency").Select(d => (string)d.Attribute("id")!);
            if (package == "Penstock.Client") dependencies.ShouldBe(["Microsoft.Extensions.AI.Abstractions", "Microsoft.Extensions.Http"]);
        }
    }

    [Fact]
    public async Task The_tool_is_installed_and_serves_and_a_fresh_project_uses_the_client_as_its_readme_says()
    {
        var commands = Blocks("Penstock.Server", "sh")[0].Code.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        commands.Length.ShouldBe(2);
        await packed.TypeAsync("tool", commands[0]);
        // From a folder, as who has no feed with it does.
        var fromFolder = Page.Of("docs/embedding.md").Snippets.Single(s => s.Code.StartsWith("dotnet pack", StringComparison.Ordinal)).Code.Split('\n')[1];
        await packed.TypeAsync("tool", $"dotnet tool uninstall --global Penstock.Server\n{fromFolder.Replace(" packages", $" {packed.Folder}", StringComparison.Ordinal)}");
        var serve = commands[1].Split(' ');
        await using var server = await AppProcess.StartAsync(Path.Combine(packed.Tools, serve[0]), [.. serve[1..], "--Penstock:DefaultModel", "simulated/chat?tps=0&ttft=0"]);

        var readme = Blocks("Penstock.Client", "csharp").Except(CSharpSnippets.OfApps).ToList();
        readme.Count.ShouldBe(3);
        var others = CSharpSnippets.All.Except(CSharpSnippets.OfApps).Except(readme).Where(s => !CSharpSnippets.IsProgram(s)).ToList();
        others.Count.ShouldBe(1);
        var folder = await packed.TypeAsync("console", $"dotnet new console\n{Blocks("Penstock.Client", "sh")[0].Code}");
        await WriteAsync("Program.cs", $$"""
            {{readme[0].Code}}
            { {{readme[1].Code}} }
            { {{readme[2].Code}} }
            {{string.Join('\n', others.Select((_, n) => $"await Snippet{n}.RunAsync();"))}}
            """);
        foreach (var (n, other) in others.Index()) await WriteAsync($"Snippet{n}.cs", CSharpSnippets.AsClass(other, $"Snippet{n}", ""));
        await BuildAsync(folder);
        var (exit, output, error) = await Command.RunAsync(TimeSpan.FromMinutes(1), "dotnet", [Path.Combine(folder, "out", "console.dll")]);
        exit.ShouldBe(0, error);

        var (_, list) = await Api.SendAsync(server.Api.Get("v1/generations"));
        var generations = list!["data"]!.AsArray();
        generations.Select(g => (string)g!["status"]!).ShouldBe(["finished", "stopped", "finished", "finished"]);
        output.ShouldBe(string.Concat(generations.Reverse().Select(g => (string)g!["text"]!)));
        output.Length.ShouldBeGreaterThan(4200);

        // At the server that runs here; what asks for a model by name does so at its natural pace.
        Task WriteAsync(string file, string code) =>
            File.WriteAllTextAsync(Path.Combine(folder, file), code.Replace("http://localhost:8000/", server.Url.ToString(), StringComparison.Ordinal).Replace("http://localhost:8000", server.Url.ToString().TrimEnd('/'), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_fresh_app_embeds_the_server_as_its_readme_says()
    {
        var folder = await packed.TypeAsync("embedded", Blocks("Penstock.AspNetCore", "sh")[0].Code);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), Blocks("Penstock.AspNetCore", "csharp")[0].Code);
        // What the pages offer beside it is compiled with it.
        CSharpSnippets.OfApps.Count.ShouldBeGreaterThanOrEqualTo(7);
        foreach (var (n, snippet) in CSharpSnippets.OfApps.Index())
        {
            await File.WriteAllTextAsync(Path.Combine(folder, $"Snippet{n}.cs"), CSharpSnippets.AsClass(
                snippet, $"Snippet{n}", "WebApplicationBuilder builder", "Penstock.AspNetCore", "Penstock.Client", "Penstock.Generations.Tools", "Penstock.Jobs", "Penstock.RabbitMQ", "Penstock.Redis", "Penstock.Streams", "OpenAI", "OpenAI.Chat", "System.ClientModel"));
        }

        await File.WriteAllTextAsync(Path.Combine(folder, "Weather.cs"), "internal static class Weather { public static Task<string> OfAsync(string city, CancellationToken stop) => Task.FromResult(city); }");
        await BuildAsync(folder, ("Penstock.Redis", "0.1.0"), ("Penstock.RabbitMQ", "0.1.0"), ("Penstock.Client", "0.1.0"), ("OpenAI", "2.15.0"));
        await using var app = await AppProcess.StartAsync("dotnet", Path.Combine(folder, "out", "embedded.dll"));
        (await Api.SendTextAsync(app.Api.Get(""))).Body.ShouldContain("An app of my own");
        using var reply = await RawReply.SendAsync(app.Api.Chat("simulated/chat?tokens=20&tps=0&ttft=0"));
        (await reply.TextAsync()).ShouldContain("data: [DONE]");
    }

    private static List<Snippet> Blocks(string package, string language) => [.. Page.Of($"src/{package}/README.md").Snippets.Where(s => s.Language == language)];

    private async Task BuildAsync(string folder, params (string Package, string Version)[] more)
    {
        var project = Directory.GetFiles(folder, "*.csproj").Single();
        var references = string.Concat(more.Select(m => $"<PackageReference Include=\"{m.Package}\" Version=\"{m.Version}\" />"));
        await File.WriteAllTextAsync(project, (await File.ReadAllTextAsync(project)).Replace("</Project>", $"<ItemGroup>{references}</ItemGroup></Project>", StringComparison.Ordinal));
        await packed.TypeAsync(Path.GetFileName(folder), "dotnet build -o out -v q -p:NuGetAudit=false");
    }
}
