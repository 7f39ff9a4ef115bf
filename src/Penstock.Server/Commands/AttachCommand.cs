using System.CommandLine;
using System.Globalization;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock attach</c></summary>
internal static class AttachCommand
{
    private const string Description = """
        Writes an answer that runs or has ended, from its beginning or any place on, until it ends.

        Ctrl-C leaves it running.
        """;

    public static Command New()
    {
        var id = new Argument<string>("ID") { Description = "The generation's id, or that of an event, to go on after it; a response's or a job's too." };
        var patience = ServerOptions.NewPatience();
        var json = new Option<bool>("--json") { Description = "Write one event a line, as JSON." };
        var command = new PenstockCommand("attach", Description, "penstock attach gen_0123456789abcdef0123456789abcdef") { id, json, patience };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = server.NewClient(result, Following.NotesLoss(), result.GetValue(patience));
            using var interrupts = new Interrupts();
            var (generation, after) = Parse(result.GetValue(id)!);
            var writer = new AnswerWriter(result.InvocationConfiguration.Output, result.GetValue(json), after);
            return await Following.RunAsync(client.Attach(generation), writer, stops: false, interrupts);
        });
        return command;
    }

    // A job's name may hold dots.
    private static (string Generation, long After) Parse(string id)
    {
        var dot = id.StartsWith("gen_", StringComparison.Ordinal) ? id.IndexOf('.', StringComparison.Ordinal) : -1;
        if (dot < 0) return (id, -1);
        return long.TryParse(id.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? (id[..dot], offset)
            : throw new UsageException($"'{id}' is neither a generation's id nor that of an event.");
    }
}
