using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary><c>ls</c>, <c>show</c>, <c>export</c>, <c>bench</c>: what there is on a server.</summary>
public sealed class GenerationCommandsTests
{
    [Fact]
    public async Task Generations_are_listed_shown_exported_and_measured()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var id = await server.Api.StartAsync("simulated/chat?tokens=20&tps=0&ttft=0", "One");
        var text = (string)(await server.Api.EndedAsync(id))["text"]!;
        var failed = await server.Api.StartAsync("simulated/chat?status=500", "Two");
        await server.Api.EndedAsync(failed);

        var list = (await RunAsync(server, "ls")).Split('\n');
        list[0].ShouldMatch("^ID +STATUS +MODEL +CREATED +TOKENS +TEXT$");
        list[1].ShouldMatch($"^{failed} +failed ");
        list[2].ShouldMatch($"^{id} +finished +simulated/chat.* 20 +{System.Text.RegularExpressions.Regex.Escape(text[..10])}");
        (await RunAsync(server, "ls", "--status", "failed")).ShouldNotContain(id);
        ((string)JsonNode.Parse((await RunAsync(server, "ls", "--json", "--limit", "1")).TrimEnd())!["status"]!).ShouldBe("failed");

        var (exit, output, error) = await Cli.RunAsync(server.Url, "show", id);
        (exit, output).ShouldBe((0, $"{text}\n"));
        error.ShouldMatch($@"^{id} · finished \(stop\) · simulated/chat.* · 20.*Z · \d+ tokens in, 20 out\n$");
        ((string)JsonNode.Parse(await RunAsync(server, "show", "--json", id))!["text"]!).ShouldBe(text);
        (await Cli.RunAsync(server.Url, "show", "gen_00000000000000000000000000000000")).Exit.ShouldBe(3);

        (await RunAsync(server, "export")).TrimEnd().Split('\n').Select(line => (string)JsonNode.Parse(line)!["id"]!).ShouldBe([failed, id]);
        (await RunAsync(server, "export", "--events", id)).TrimEnd().Split('\n').Select(line => (string)JsonNode.Parse(line)!["type"]!).Last().ShouldBe("finished");

        var bench = await RunAsync(server, "bench", "--count", "6", "--streams", "3", "-m", "simulated/chat?tokens=20&tps=200&ttft=0");
        bench.ShouldContain("to the first token");
        bench.ShouldContain("6 answers in");
    }

    [Fact]
    public async Task A_server_that_asks_for_a_key_is_shown_one()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var key = (await Cli.RunAsync(null, "keys", "create", "--data", server.DataFolder)).Output.TrimEnd();
        await Eventually.Is(async () => (await Cli.RunAsync(server.Url, "ls")).Exit == 4, "the server asks for it");
        (await Cli.RunAsync(server.Url, "ls")).Error.ShouldMatch(@"Who are you\?.*\n.*PENSTOCK_KEY");
        (await Cli.RunAsync(server.Url, "ls", "--key", key)).Exit.ShouldBe(0);
    }

    [Theory]
    [InlineData("sing")]
    [InlineData("ls", "--status", "odd")]
    [InlineData("attach")]
    [InlineData("attach", "gen_1.x")]
    [InlineData("ls", "--server", "nowhere")]
    [InlineData("ls", "--limit", "-3")]
    [InlineData("completion", "cmd")]
    [InlineData("chat", "--modle", "up/m", "Hi")]
    [InlineData("chat", "Hi", "--pateince=3")]
    [InlineData("--versoin")]
    [InlineData("serve", "--port", "8000")]
    [InlineData("serve", "port=8000")]
    [InlineData("--Pentsock:Storage:Kind", "memory")]
    [InlineData("serve", "--Penstock:Storage:Kind")]
    [InlineData("doctor", "--sever", "http://localhost")]
    public async Task What_is_not_understood_is_said(params string[] arguments)
    {
        var (exit, output, error) = await Cli.RunAsync(null, arguments);
        exit.ShouldBe(2, error);
        output.ShouldBeEmpty();
        error.ShouldContain("Try: penstock");
        error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Where_no_server_answers_it_is_said_how_to_have_one()
    {
        var (exit, _, error) = await Cli.RunAsync(new Uri($"http://127.0.0.1:{Ports.Free()}"), "ls");
        exit.ShouldBe(1);
        error.ShouldContain("penstock serve");
        error.ShouldContain("--server");
    }

    [Fact]
    public async Task Every_command_has_help_with_an_example_and_is_completed()
    {
        var page = (await Cli.RunAsync(null, "--help")).Output;
        var commands = "serve chat attach stop ls show replay export streams keys usage verify bench doctor completion".Split(' ');
        foreach (var command in commands)
        {
            page.ShouldMatch($@"\n +{command} ");
            var (exit, help, _) = await Cli.RunAsync(null, command, "--help");
            exit.ShouldBe(0);
            help.ShouldContain("Try:\n  ", customMessage: command);
        }

        var next = (await Cli.RunAsync(null, "[suggest:14]", "penstock keys ")).Output.Split('\n');
        next.ShouldContain("revoke");
        next.ShouldNotContain("serve");
        (await Cli.RunAsync(null, "--version")).Output.ShouldMatch(@"^\d+\.\d+\.\d+");
    }

    [Fact]
    public async Task Bash_completes_with_its_script()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "penstock"), $"#!/bin/sh\nexec dotnet '{PenstockProcess.ServerDll()}' \"$@\"\n");
        await Command.RunAsync("chmod", ["+x", Path.Combine(folder, "penstock")]);
        var (exit, output, error) = await Command.RunAsync(
            "bash",
            ["-c", """source <(penstock completion bash); COMP_LINE='penstock keys re'; COMP_POINT=16; COMP_WORDS=(penstock keys re); COMP_CWORD=2; _penstock; echo "${COMPREPLY[@]}" """],
            folder,
            ("PATH", $"{folder}:{Environment.GetEnvironmentVariable("PATH")}"));
        (exit, output).ShouldBe((0, "revoke\n"), error);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<string> RunAsync(PenstockProcess server, params string[] arguments)
    {
        var (exit, output, error) = await Cli.RunAsync(server.Url, arguments);
        exit.ShouldBe(0, error);
        return output;
    }
}
