using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Penstock.Client;
using Penstock.Streams;
using Penstock.Transport;

namespace Penstock.Server.Commands;

/// <summary>What <c>penstock</c> does when it is told a command instead of serving.</summary>
internal static partial class CommandLine
{
    private const string Description = """
        Penstock streams LLM answers over Server-Sent Events and loses not a token.

        Without a command it serves, as 'penstock serve' does. Commands that ask a server take it from --server or
        PENSTOCK_SERVER (http://localhost:8000 without), and the key to show from --key or PENSTOCK_KEY.
        Data goes to standard output, all else to standard error.

        Exit codes: 0 done, 1 failed, 2 not understood, 3 not found, 4 who are you, 5 the model's provider failed,
        6 somebody stopped it, 130 interrupted.
        """;

    private const string Example = """
        penstock serve
        penstock chat 'Tell me about rivers.'
        curl -N http://localhost:8000/v1/chat/completions -H 'Content-Type: application/json' \
          -d '{"prompt": "Tell me about rivers", "stream": true}'
        """;

    /// <summary>Whether the arguments are for a command, and not for the server that starts without one.</summary>
    public static bool IsCommand(string[] args) =>
        args.Length > 0 && (args[0].StartsWith('[') || args.Any(IsQuestion) || (args[0] is not ['-' or '/', ..] && !args[0].Contains('=', StringComparison.Ordinal)));

    /// <returns>The exit code: see <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };
        var root = New(args);
        if (args is [['[', ..], _]) args = WithoutName(args[0], args[1]);
        // What is to be served is asked about with its settings before the question: there is one answer to that.
        if (args[0].StartsWith('-') && args.Any(IsQuestion)) args = [args.First(IsQuestion)];
        var result = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var name = result.CommandResult.Command == root ? "" : $" {NameOf(result.CommandResult.Command)}";
        if (result.Errors.Count > 0 && result.Action is not HelpWithExample)
        {
            foreach (var error in result.Errors) await Console.Error.WriteLineAsync(error.Message);
            await Console.Error.WriteLineAsync($"Try: penstock{name} --help");
            return ExitCodes.Usage;
        }

        if (StrayOption(result, args) is { } stray)
        {
            await Console.Error.WriteLineAsync($"'{stray}' is no option of penstock{name}; if it is meant as it stands, put -- before it.\nTry: penstock{name} --help");
            return ExitCodes.Usage;
        }

        try
        {
            // Commands see to Ctrl-C themselves: some have something to say to the server first.
            return await result.InvokeAsync(new InvocationConfiguration { Output = output, Error = Console.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UsageException e)
        {
            await Console.Error.WriteLineAsync($"{e.Message}\nTry: penstock{name} --help");
            return ExitCodes.Usage;
        }
        catch (PenstockException e)
        {
            return await FailAsync(name, e, ExitCodes.Of(e));
        }
        catch (CommandException e)
        {
            return await FailAsync(name, e, e.ExitCode);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (InvalidDataException e)
        {
            await Console.Error.WriteLineAsync($"penstock{name}: {e.Message} {e.GetBaseException().Message}"); // appsettings.json is no JSON
            return ExitCodes.Failed;
        }
        catch (Exception e) when (NetworkFailure.Is(e) || e is UnauthorizedAccessException or StreamException)
        {
            return await FailAsync(name, e, ExitCodes.Failed);
        }
    }

    private static async Task<int> FailAsync(string name, Exception e, int exitCode)
    {
        await Console.Error.WriteLineAsync($"penstock{name}: {e.Message}");
        // The server speaks of headers, as to any client.
        if (exitCode == ExitCodes.Unauthorized) await Console.Error.WriteLineAsync("Here a key is shown by setting PENSTOCK_KEY, or with --key.");
        if (e is PenstockException { Code: "network" }) await Console.Error.WriteLineAsync("Start one with penstock serve, or name another with --server or PENSTOCK_SERVER.");
        return exitCode;
    }

    // An option that a command does not have would be taken for what to say: chat --modle x.
    private static string? StrayOption(ParseResult result, string[] args)
    {
        if (args[0].StartsWith('[')) return null; // a shell that completes
        var meant = args.SkipWhile(a => a != "--").ToHashSet(StringComparer.Ordinal);
        return result.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value).FirstOrDefault(t => Option().IsMatch(t) && !meant.Contains(t));
    }

    [GeneratedRegex(@"^-{1,2}[A-Za-z][\w-]*(=.*)?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Option();

    private static RootCommand New(string[] args)
    {
        var root = new RootCommand(Description)
        {
            ServeCommand.New(args),
            ChatCommand.New(),
            AttachCommand.New(),
            StopCommand.New(),
            ListCommand.New(),
            ShowCommand.New(),
            ReplayCommand.New(),
            ExportCommand.New(),
            StreamsCommand.New(),
            KeysCommand.New(),
            UsageCommand.New(),
            VerifyCommand.New(),
            BenchCommand.New(),
            DoctorCommand.New(),
            CompletionCommand.New(),
        };
        root.HelpName = "penstock";
        var help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show this.";
        help.Action = new HelpWithExample((HelpAction)help.Action!);
        root.Options.OfType<VersionOption>().Single().Description = "Show the version.";
        root.SetAction(result => help.Action is HelpWithExample page ? page.Invoke(result) : ExitCodes.Done);
        return root;
    }

    // A shell asks with the whole line, [suggest:POSITION] LINE, in which the program is called whatever the user calls it.
    private static string[] WithoutName(string directive, string line)
    {
        var name = line.IndexOf(' ', StringComparison.Ordinal) + 1;
        return directive.Split(':') is ["[suggest", var end] && int.TryParse(end.TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture, out var position) && position >= name
            ? [string.Create(CultureInfo.InvariantCulture, $"[suggest:{Math.Min(position, line.Length) - name}]"), line[name..]]
            : [directive, line];
    }

    private static string NameOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent and not RootCommand ? $"{parent.Name} {command.Name}" : command.Name;

    private static bool IsQuestion(string argument) => argument is "--help" or "-h" or "-?" or "--version";

    private sealed partial class HelpWithExample(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            help.MaxWidth = 110;
            var output = parseResult.InvocationConfiguration.Output;
            using (var page = new StringWriter())
            {
                parseResult.InvocationConfiguration.Output = page;
                help.Invoke(parseResult);
                parseResult.InvocationConfiguration.Output = output;
                output.Write(Settings().Replace(page.ToString(), "").Replace("[[--] <additional arguments>...]]", "[settings]", StringComparison.Ordinal));
            }

            var command = parseResult.CommandResult.Command as PenstockCommand;
            if (command?.Details is { } details) output.WriteLine($"{details}\n");
            output.WriteLine($"Try:\n  {(command?.Example ?? Example).Replace("\n", "\n  ", StringComparison.Ordinal)}");
            return ExitCodes.Done;
        }

        // What the library says of arguments that are not its own: that they are passed on.
        [GeneratedRegex(@"^Additional Arguments:\r?\n.*\r?\n\r?\n", RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
        private static partial Regex Settings();
    }
}

/// <summary>A command with an example of what to type, and more to say than the first paragraph of its description, which stands in lists.</summary>
internal sealed class PenstockCommand(string name, string description, string example) : Command(name, description.Split("\n\n")[0].Replace('\n', ' '))
{
    public string? Details { get; } = description.Split("\n\n", 2) is [_, var more] ? more : null;

    public string Example => example;
}

/// <summary>The arguments were not understood.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>What was asked for did not work; the message is all there is to say.</summary>
internal sealed class CommandException(string message, int exitCode = ExitCodes.Failed) : Exception(message)
{
    public int ExitCode => exitCode;
}
