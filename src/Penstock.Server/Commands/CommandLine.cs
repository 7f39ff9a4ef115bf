using Penstock.Streams;

namespace Penstock.Server.Commands;

/// <summary>What <c>penstock</c> does when it is told a command instead of serving.</summary>
internal static class CommandLine
{
    private static readonly Dictionary<string, Command> _commands = new(StringComparer.Ordinal)
    {
        ["keys"] = new(KeysCommand.Help, KeysCommand.RunAsync),
        ["streams"] = new(StreamsCommand.Help, StreamsCommand.RunAsync),
        ["usage"] = new(UsageCommand.Help, UsageCommand.RunAsync),
        ["verify"] = new(VerifyCommand.Help, VerifyCommand.RunAsync),
    };

    public static bool IsCommand(string[] args) => args.Length > 0 && _commands.ContainsKey(args[0]);

    /// <returns>The exit code: 0, 1 for what failed or was found, 2 for what was not understood.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error)
    {
        var command = _commands[args[0]];
        var rest = args[1..];
        if (rest.Any(argument => argument is "--help" or "-h"))
        {
            await output.WriteLineAsync(command.Help);
            return 0;
        }

        try
        {
            return await command.Run(rest, output);
        }
        catch (UsageException e)
        {
            await error.WriteLineAsync($"{e.Message}\n\n{command.Help}");
            return 2;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or StreamException or CommandException)
        {
            await error.WriteLineAsync($"penstock {args[0]}: {e.Message}");
            return 1;
        }
    }

    private sealed record Command(string Help, Func<string[], TextWriter, Task<int>> Run);
}

/// <summary>The arguments were not understood.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>What was asked for did not work; the message is all there is to say.</summary>
internal sealed class CommandException(string message) : Exception(message);
