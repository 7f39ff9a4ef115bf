using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Client.Tests.Docs;

/// <summary>
/// What the pages tell to type works as printed, and prints what they show. The blocks of a page are typed one after the other into one
/// shell, as its reader would, with another server's address and a model that is quicker.
/// </summary>
public sealed partial class ShellSnippetTests
{
    private const string Model = "simulated/chat?tps=600";

    private static readonly Lazy<Task> _debugBuild = new(BuildAsync);

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(5);

    /// <summary>Blocks that are not typed here, by how they begin, and who does instead.</summary>
    private static readonly (string Page, string Begins, string Where)[] _elsewhere =
    [
        ("README.md", "dotnet run", "below"),
        ("README.md", "curl", "ReadmeTests"),
        ("README.md", "ask()", "ReadmeTests"),
        ("README.md", "id=", "ReadmeTests"),
        ("README.md", "cd samples/node-openai", "SamplesTests"),
        ("README.md", "./test", "runs these"),
        ("docs/streams.md", "", "StreamsDocTests"),
        ("docs/cli.md", "penstock serve", "PackageTests"),
        ("src/Penstock.Server/README.md", "dotnet tool install", "PackageTests"),
        ("src/Penstock.AspNetCore/README.md", "dotnet new web", "PackageTests"),
        ("src/Penstock.Client/README.md", "dotnet add package", "PackageTests"),
        ("docs/embedding.md", "dotnet ", "PackageTests"),
        ("web/client/README.md", "npm install", "package.test.ts in web/client"),
        ("web/playground/README.md", "dotnet run", "below; its own tests build the page"),
        ("samples/README.md", "dotnet run", "below"),
        ("docs/storage.md", "Penstock__Storage__Kind=redis", "RedisServersTests"),
        ("docs/scale.md", "export Penstock__", "NodesTests"),
        ("docs/operations.md", "OTEL_EXPORTER", "TelemetrySnippetTests"),
        ("docs/tools.md", "curl -X POST", "ApprovalTests"),
        ("docs/tools.md", "curl http://localhost:8000/v1/responses", "ResponsesApprovalTests"),
        ("docs/playground.md", "export ASPNETCORE_", "PlaygroundTests"),
        ("docs/deploy.md", "deploy/local", "LocalTests"),
        ("docs/deploy.md", "deploy/up", "ScriptTests and ComposeTests, without a container engine"),
        ("deploy/README.md", "", "LocalTests; ScriptTests and DeployPagesTests, without a container engine"),
        ("deploy/kubernetes/README.md", "", "DeployPagesTests, without a container engine and a cluster"),
    ];

    /// <summary>What a page shows of a server that is not well, or has providers; DoctorCommandTests and RunningTests have such.</summary>
    private static readonly string[] _other = ["bad   ", "\"openai\""];

    /// <summary>Blocks whose last request is to be refused.</summary>
    private static readonly string[] _refused = ["-d '{\"messages\": []}'", "status=429"];

    /// <summary>What the reader of a page has in the shell already.</summary>
    private static readonly Dictionary<string, string> _before = new(StringComparer.Ordinal)
    {
        ["docs/http.md"] = """seen=$(curl http://localhost:8000/v1/chat/completions -H 'Content-Type: application/json' -d '{"model": "simulated/chat", "stream": true, "prompt": "Hi"}' | grep -o 'gen_[0-9a-f]*\.4$')""",
        ["docs/security.md"] = "id=$(penstock chat --detach Hi) key=none",
    };

    [Fact]
    public async Task Every_command_of_every_page_works_and_prints_what_is_shown()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var shells = Page.All.Select(page => (Page: page, Blocks: page.Snippets.Where(s => s.Language == "sh" && Elsewhere(s) is null).ToList())).Where(p => p.Blocks.Count > 0).ToList();
        shells.Count.ShouldBeGreaterThanOrEqualTo(9);
        shells.Sum(s => s.Blocks.Count).ShouldBeGreaterThan(30);
        var folder = Directory.CreateTempSubdirectory("penstock-docs-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "penstock"), $"#!/bin/sh\nexec dotnet '{PenstockProcess.ServerDll()}' \"$@\"\n");
            await Command.RunAsync("chmod", ["+x", Path.Combine(folder, "penstock")]);
            await File.WriteAllTextAsync(Path.Combine(folder, ".curlrc"), "fail-with-body\nsilent\nshow-error\n");
            var failures = new List<string>();
            await Parallel.ForEachAsync(shells, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (shell, _) =>
            {
                var failed = await TypeAsync(server, folder, shell.Page, shell.Blocks);
                lock (failures) failures.AddRange(failed);
            });
            failures.ShouldBeEmpty(string.Join("\n\n", failures));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void What_is_not_typed_here_is_there()
    {
        var blocks = Page.All.SelectMany(p => p.Snippets).Where(s => s.Language == "sh").ToList();
        foreach (var (page, begins, where) in _elsewhere)
            blocks.ShouldContain(b => b.Page.Name == page && b.Code.StartsWith(begins, StringComparison.Ordinal), $"{page}: {begins} ({where})");
    }

    public static TheoryData<string> Starts => [.. Page.All.SelectMany(p => StartCommand().Matches(p.Text).Select(m => m.Value.Trim())).Distinct(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Starts))]
    public async Task A_server_starts_as_the_pages_say(string command)
    {
        await _debugBuild.Value;
        var project = StartCommand().Match(command).Groups["project"].Value;
        var here = command.Replace(project, $"'{Path.Combine(Repository.Root, project)}'", StringComparison.Ordinal).Replace("dotnet run", "exec dotnet run --no-build --no-launch-profile", StringComparison.Ordinal);
        if (!command.Contains(" -- ", StringComparison.Ordinal)) here += " --";
        await using var app = await AppProcess.StartAsync("bash", "-c", $"{here} \"$@\"", "bash");
        var asked = app.Api.Chat("simulated/chat?tokens=20&tps=0&ttft=0");
        var namesPage = command.Contains("Cors:Origins", StringComparison.Ordinal); // any other page is refused
        using var reply = await RawReply.SendAsync(namesPage ? asked.With("Origin", "http://localhost:5173") : asked);
        (await reply.TextAsync()).ShouldContain("data: [DONE]");
        if (namesPage) reply.Headers["Access-Control-Allow-Origin"].ShouldBe("http://localhost:5173");
    }

    // What "dotnet run" builds is not what the tests are: there is code that compiles in one of the two alone.
    private static async Task BuildAsync()
    {
        string[] arguments = ["build", Path.Combine("src", "Penstock.Server"), "-c", "Debug", "-v", "q", "--nologo", "-clp:NoSummary", "-p:RunAnalyzers=false", "-p:UseSharedCompilation=false"];
        var (exit, output, error) = await Command.RunAsync(TimeSpan.FromMinutes(6), "dotnet", arguments, Repository.Root, ("MSBUILDDISABLENODEREUSE", "1"));
        exit.ShouldBe(0, output + error);
    }

    private static string? Elsewhere(Snippet block)
    {
        foreach (var (page, begins, where) in _elsewhere)
        {
            if (block.Page.Name == page && block.Code.StartsWith(begins, StringComparison.Ordinal)) return where;
        }

        return null;
    }

    private static async Task<List<string>> TypeAsync(PenstockProcess server, string tools, Page page, List<Snippet> blocks)
    {
        var folder = Directory.CreateDirectory(Path.Combine(tools, page.Name.Replace('/', '-'))).FullName;
        var script = new StringBuilder("set -e\necho 0 > at\n").AppendLine(Here(_before.GetValueOrDefault(page.Name, ""), server));
        foreach (var block in blocks)
        {
            var isRefused = _refused.Any(r => block.Code.Contains(r, StringComparison.Ordinal));
            var typed = $"{{\n{Here(block.Code, server)}}} > {block.Line}.out";
            script.Append(CultureInfo.InvariantCulture, $"echo {block.Line} > at\n{(isRefused ? $"if {typed}; then echo 'It was to be refused.' >&2; exit 1; fi" : typed)}\n");
        }

        var (exit, error) = (-1, "");
        try
        {
            (exit, _, error) = await Command.RunAsync(_limit, "bash", ["-c", script.ToString()], folder,
                ("PATH", $"{tools}:{Environment.GetEnvironmentVariable("PATH")}"), ("CURL_HOME", tools), ("PENSTOCK_SERVER", server.Url.ToString()));
        }
        catch (TimeoutException e)
        {
            error = e.Message;
        }

        var at = int.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "at")), CultureInfo.InvariantCulture);
        if (exit != 0) return [$"{page.Name}:{at}\n{blocks.Find(b => b.Line == at)?.Code}ended with {exit}\n{error}"];
        var failures = new List<string>();
        foreach (var block in blocks)
        {
            var output = (await File.ReadAllTextAsync(Path.Combine(folder, $"{block.Line}.out"))).Replace(Model, "simulated/chat", StringComparison.Ordinal);
            if (Shown(block) is { } shown && Missing(shown.Code, output) is { } missing) failures.Add($"{shown}is not what came; this line is not in it: {missing}\n{output[..Math.Min(output.Length, 1000)]}");
        }

        return failures;
    }

    private static string Here(string code, PenstockProcess server) => Quicker(code)
        .Replace("http://localhost:8000/", server.Url.ToString(), StringComparison.Ordinal)
        .Replace("https://penstock.example.com", server.Url.ToString(), StringComparison.Ordinal)
        .Replace("'Last-Event-ID: gen_3f….41'", "\"Last-Event-ID: $seen\"", StringComparison.Ordinal)
        .Replace("revoke 0123456789ab", "revoke $(penstock keys ls | grep -o '^[0-9a-f]\\{12\\}')", StringComparison.Ordinal);

    // What is stopped in the middle must have one.
    private static string Quicker(string code) => code.Contains("/stop", StringComparison.Ordinal) || code.Contains("/cancel", StringComparison.Ordinal) ? code : PromptOfChat().Replace(code, $"$0 -m '{Model}'")
        .Replace("\"simulated/chat\"", $"\"{Model}\"", StringComparison.Ordinal)
        .Replace("model=simulated/chat", $"model={Model}", StringComparison.Ordinal)
        .Replace("models/simulated/chat:", $"models/{Uri.EscapeDataString(Model)}:", StringComparison.Ordinal);

    /// <summary>What the page shows of a block's output: the block without a language right behind it.</summary>
    private static Snippet? Shown(Snippet block)
    {
        var all = block.Page.Snippets;
        var next = all.SkipWhile(s => s.Line <= block.Line).FirstOrDefault();
        return next is { Language: "" or "json" } && !_other.Any(o => next.Code.Contains(o, StringComparison.Ordinal)) && next.Line - block.Line - block.Code.Count(c => c == '\n') <= 5 ? next : null;
    }

    /// <returns>The first line that did not come, behind those before it; "…" stands for anything, and "Rivers" for a piece of text.</returns>
    private static string? Missing(string shown, string output)
    {
        // What curl prints of a document has no line end, and the next one's begins behind it.
        var lines = new Queue<string>(NextDocument().Replace(output, "$0\n").Split('\n').Select(l => l.TrimEnd('\r')));
        foreach (var line in shown.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var pattern = $"^{Regex.Escape(line).Replace("3f…", "[0-9a-f]{32}", StringComparison.Ordinal).Replace("Rivers", ".*", StringComparison.Ordinal).Replace("…", ".*", StringComparison.Ordinal)}$";
            var found = false;
            while (!found && lines.TryDequeue(out var came)) found = Regex.IsMatch(came, pattern, RegexOptions.None, TimeSpan.FromSeconds(1));
            if (!found) return line;
        }

        return null;
    }

    [GeneratedRegex("}(?=[{e])", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NextDocument();

    [GeneratedRegex("penstock chat(?= (--[a-z]+ )?')", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PromptOfChat();

    [GeneratedRegex("^dotnet run --project (?<project>src/Penstock.Server)[^\n#]*", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex StartCommand();
}
