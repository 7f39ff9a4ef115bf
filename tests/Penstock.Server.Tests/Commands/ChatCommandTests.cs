using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary><c>penstock chat</c> and <c>attach</c>, before a provider that answers by the model's name.</summary>
public sealed class ChatCommandTests(ChatCommandTests.Fixture fixture) : IClassFixture<ChatCommandTests.Fixture>
{
    private const string Markdown = "# Rivers\n\nThey **flow** to the *sea*:\n\n- one\n- `two`\n\n```c\nint a_b_c;\n```\n";

    private readonly Uri _server = fixture.Server.Url;

    [Fact]
    public async Task Into_a_pipe_goes_the_answer_and_nothing_else()
    {
        var (exit, output, error) = await Cli.RunAsync(_server, "chat", "say-30");
        error.ShouldBe("");
        output.ShouldBe(string.Concat(Tokens.Of("say", 30)) + "\n");
        exit.ShouldBe(0);
        (await Cli.RunAsync(_server, "chat", "-m", "up/markdown", "x")).Output.ShouldBe(Markdown);
    }

    [Fact]
    public async Task Words_and_what_is_piped_in_are_one_prompt()
    {
        var (exit, _, error) = await Cli.RunAsync(_server, "int main() {}\n", ["chat", "-m", "up/short", "-s", "Be brief.", "Explain", "this."]);
        exit.ShouldBe(0, error);
        var messages = fixture.Upstream.Calls.Last(c => c.Model == "short").Request!["messages"]!.AsArray();
        messages[0]!["content"]!.GetValue<string>().ShouldBe("Be brief.");
        messages[1]!["content"]!.GetValue<string>().ShouldBe("Explain this.\n\nint main() {}");
        (await Cli.RunAsync(_server, "chat")).ShouldBe((2, "", "There is nothing to ask: name a prompt, or pipe one in.\nTry: penstock chat --help\n"));
    }

    [Fact]
    public async Task What_looks_like_an_option_is_said_only_where_that_is_meant()
    {
        var (exit, _, error) = await Cli.RunAsync(_server, "chat", "-m", "up/short", "--", "--modle", "x");
        exit.ShouldBe(0, error);
        fixture.Upstream.Calls.Last(c => c.Model == "short").Request!["messages"]![0]!["content"]!.GetValue<string>().ShouldBe("--modle x");
    }

    [Fact]
    public async Task As_json_it_is_an_event_a_line()
    {
        var (exit, output, _) = await Cli.RunAsync(_server, "chat", "--json", "say-5");
        exit.ShouldBe(0);
        var events = output.TrimEnd().Split('\n').Select(line => JsonNode.Parse(line)!).ToList();
        events.Select(e => (long)e["offset"]!).ShouldBe(Enumerable.Range(0, events.Count).Select(n => (long)n));
        events.Select(e => (string)e["generation"]!).Distinct().Single().ShouldStartWith("gen_");
        string.Concat(events.Where(e => (string)e["type"]! == "delta").Select(e => (string)e["text"]!)).ShouldBe(string.Concat(Tokens.Of("say", 5)));
        ((string)events[^1]["type"]!).ShouldBe("finished");
    }

    [Fact]
    public async Task Detached_it_runs_on_and_is_attached_to_from_any_place()
    {
        var (exit, output, _) = await Cli.RunAsync(_server, "chat", "--detach", "say-40");
        exit.ShouldBe(0);
        var id = output.TrimEnd();
        id.ShouldMatch("^gen_[0-9a-f]{32}$");
        (await Cli.RunAsync(_server, "attach", id)).ShouldBe((0, string.Concat(Tokens.Of("say", 40)) + "\n", ""));
        var rest = await Cli.RunAsync(_server, "attach", "--json", $"{id}.10");
        ((long)JsonNode.Parse(rest.Output.Split('\n')[0])!["offset"]!).ShouldBe(11);
    }

    [Fact]
    public async Task An_interrupt_stops_it_on_the_server_and_leaves_what_is_attached_to()
    {
        await using var chat = Cli.Start(_server, "chat", "-m", "up/endless", "one");
        chat.EndInput();
        await chat.SaysAsync("endless.3");
        var id = await NewestAsync();
        await using var attached = Cli.Start(_server, "attach", id);
        attached.EndInput();
        await attached.SaysAsync("endless.3");

        attached.Interrupt();
        (await attached.ExitAsync()).ShouldBe(130);
        attached.Error.ShouldMatch($@"It goes on without you: penstock attach {id}\.\d+, or penstock stop {id}\.");
        ((string)(await fixture.Server.Api.SnapshotAsync(id))["status"]!).ShouldBe("running");

        chat.Interrupt();
        (await chat.ExitAsync()).ShouldBe(130);
        chat.Error.ShouldContain("Stopped.");
        ((string)(await fixture.Server.Api.SnapshotAsync(id))["status"]!).ShouldBe("stopped");
    }

    [Theory]
    [InlineData(3, "nobody/m", "does not exist")]
    [InlineData(5, "up/refused", "")]
    [InlineData(5, "up/busy", "")]
    [InlineData(5, "up/cut", "")]
    public async Task A_failure_is_told_by_the_exit_code(int code, string model, string words)
    {
        var (exit, _, error) = await Cli.RunAsync(_server, "chat", "-m", model, "Hi");
        exit.ShouldBe(code, error);
        error.ToLowerInvariant().ShouldContain(words);
        error.Trim().ShouldNotBeEmpty();
        error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Who_is_stopped_by_another_is_told()
    {
        await using var chat = Cli.Start(_server, "chat", "-m", "up/endless", "another");
        chat.EndInput();
        await chat.SaysAsync("endless.1");
        var id = await NewestAsync();
        (await Cli.RunAsync(_server, "stop", id)).ShouldBe((0, $"{id} stopped\n", ""));
        (await chat.ExitAsync()).ShouldBe(6);
        chat.Error.ShouldContain("Somebody stopped it.");
    }

    [Fact]
    public async Task On_a_terminal_markdown_is_rendered_unless_it_is_not_wanted()
    {
        await using var chat = Cli.OnTerminal(_server, [], "chat", "-m", "up/markdown", "x");
        (await chat.ExitAsync()).ShouldBe(0);
        chat.Output.ShouldContain("\e[0;1;34mRivers");
        chat.Output.ShouldContain("\e[0;1mflow\e[0m");
        chat.Output.ShouldContain("• one");
        chat.Output.ShouldContain("int a_b_c;");
        chat.Output.ShouldContain("gen_");

        await using var plain = Cli.OnTerminal(_server, [("NO_COLOR", "1")], "chat", "-m", "up/markdown", "x");
        (await plain.ExitAsync()).ShouldBe(0);
        plain.Output.ShouldContain("They **flow** to the *sea*:");
        plain.Output.ShouldNotMatch(@"\e\[[\d;]*m");
    }

    [Fact]
    public async Task On_a_terminal_it_is_a_conversation()
    {
        await using var chat = Cli.OnTerminal(_server, [], "chat", "-m", "up/talk");
        await chat.SaysAsync("> ");
        await chat.TypeAsync("first-3\n");
        await chat.SaysAsync("first.2");
        await Eventually.Is(() => chat.Output.Split("> ").Length >= 3, "it asks for more");
        await chat.TypeAsync("second-2\n");
        await chat.SaysAsync("second.1");
        await Eventually.Is(() => chat.Output.Split("> ").Length >= 4, "it asks for more");
        await chat.TypeAsync("\u0004");
        (await chat.ExitAsync()).ShouldBe(0);
        var messages = fixture.Upstream.Calls.Last(c => c.Model == "talk").Request!["messages"]!.AsArray();
        messages.Select(m => (string)m!["role"]!).ShouldBe(["user", "assistant", "user"]);
        messages[1]!["content"]!.GetValue<string>().ShouldBe(string.Concat(Tokens.Of("first", 3)));
    }

    private async Task<string> NewestAsync() => (string)(await Api.SendAsync(fixture.Server.Api.Get("v1/generations?status=running&limit=1"))).Body!["data"]![0]!["id"]!;

    public sealed class Fixture : IAsyncLifetime
    {
        public ScriptedUpstream Upstream { get; } = ScriptedUpstream.Start(Tokens.ByPrompt());

        public PenstockProcess Server { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Upstream
                .ReplyTo("short", Tokens.Script(["ok"]))
                .ReplyTo("markdown", Tokens.Script([.. Markdown.Select(c => c.ToString())]))
                .ReplyTo("endless", Tokens.Script(Tokens.Of("endless", 100_000), TimeSpan.FromMilliseconds(20)))
                .ReplyTo("cut", async call =>
                {
                    await call.Sse(Chat.Answer(Tokens.Of("cut", 60)).Take(41));
                    call.Close();
                })
                .ReplyTo("busy", call => call.Json(429, Chat.Error("slow down"), ("Retry-After", "3")))
                .ReplyTo("refused", call => call.Json(401, Chat.Error("bad key")));
            Server = await PenstockProcess.StartAsync(PenstockSettings.For(Upstream, "disk").With("DefaultModel", "up/m"));
        }

        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            await Upstream.DisposeAsync();
        }
    }
}
