using System.CommandLine;
using System.Text.Json.Nodes;
using Penstock.Client;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock chat</c></summary>
internal static class ChatCommand
{
    private const string Description = """
        Asks a model, and writes its answer as it comes.

        The prompt is the words behind the command and what is piped in, the words first. Without either, on a terminal, it is
        a conversation: a line is a message, Ctrl-D ends it. The answer goes on through a lost connection and a restarted
        server. Ctrl-C stops it, on the server too.
        """;

    private const string Example = """
        penstock chat 'Tell me about rivers.'
        git diff | penstock chat 'Write a commit message for this.' > message
        """;

    public static Command New()
    {
        var prompt = new Argument<string[]>("PROMPT") { Description = "What to ask.", Arity = ArgumentArity.ZeroOrMore };
        var model = new Option<string?>("--model", "-m") { Description = "Who answers: provider/model or an alias (the server's default).", HelpName = "MODEL" };
        var system = new Option<string?>("--system", "-s") { Description = "What the model is told before.", HelpName = "TEXT" };
        var detach = new Option<bool>("--detach") { Description = "Start it, print its id and leave it running." };
        var patience = ServerOptions.NewPatience();
        var json = new Option<bool>("--json") { Description = "Write one event a line, as JSON." };
        var command = new PenstockCommand("chat", Description, Example) { prompt, model, system, detach, json, patience };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = server.NewClient(result, Following.NotesLoss(), result.GetValue(patience));
            var chat = new Conversation(client, result.InvocationConfiguration.Output, result.GetValue(model), result.GetValue(system), result.GetValue(json));
            if (await PromptAsync(result.GetValue(prompt)!) is { } asked)
                return result.GetValue(detach) ? await chat.DetachAsync(asked) : await chat.AskAsync(asked);
            return Console.IsInputRedirected || result.GetValue(detach) ? throw new UsageException("There is nothing to ask: name a prompt, or pipe one in.") : await chat.TalkAsync();
        });
        return command;
    }

    private static async Task<string?> PromptAsync(string[] words)
    {
        var said = string.Join(' ', words);
        var piped = Console.IsInputRedirected ? (await Console.In.ReadToEndAsync()).TrimEnd() : "";
        return (said.Length, piped.Length) switch
        {
            (0, 0) => null,
            (_, 0) => said,
            (0, _) => piped,
            _ => $"{said}\n\n{piped}",
        };
    }

    private sealed class Conversation(PenstockClient client, TextWriter output, string? model, string? system, bool json)
    {
        private readonly List<(string Role, string Text)> _said = system is null ? [] : [("system", system)];

        public async Task<int> AskAsync(string prompt)
        {
            using var interrupts = new Interrupts();
            return await AskAsync(prompt, interrupts);
        }

        public async Task<int> DetachAsync(string prompt)
        {
            _said.Add(("user", prompt));
            output.WriteLine((await client.StartAsync(Body())).Id);
            return ExitCodes.Done;
        }

        public async Task<int> TalkAsync()
        {
            while (true)
            {
                await Console.Error.WriteAsync("> ");
                // Ctrl-C here is for the terminal: it ends the program.
                if (await Console.In.ReadLineAsync() is not { } line) break;
                if (string.IsNullOrWhiteSpace(line)) continue;
                using var interrupts = new Interrupts();
                try
                {
                    await AskAsync(line, interrupts);
                }
                catch (PenstockException e)
                {
                    _said.RemoveAt(_said.Count - 1);
                    await Console.Error.WriteLineAsync(e.Message);
                }
            }

            await Console.Error.WriteLineAsync();
            return ExitCodes.Done;
        }

        private async Task<int> AskAsync(string prompt, Interrupts interrupts)
        {
            _said.Add(("user", prompt));
            var writer = new AnswerWriter(output, json);
            var run = await client.StartAsync(Body(), cancellationToken: interrupts.Token);
            var code = await Following.RunAsync(run, writer, stops: true, interrupts);
            if (writer.Text.Length > 0) _said.Add(("assistant", writer.Text.ToString()));
            return code;
        }

        private JsonObject Body()
        {
            var body = new JsonObject { ["messages"] = new JsonArray([.. _said.Select(m => (JsonNode)new JsonObject { ["role"] = m.Role, ["content"] = m.Text })]) };
            if (model is not null) body["model"] = model;
            return body;
        }
    }
}
