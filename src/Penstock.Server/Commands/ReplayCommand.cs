using System.CommandLine;
using Penstock.Client;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock replay</c></summary>
internal static class ReplayCommand
{
    private const string Description = """
        Writes an answer again as if it were given now, at a pace of your own.

        The log keeps the order of tokens and not their times, so the pace is even.
        """;

    public static Command New()
    {
        var id = new Argument<string>("ID") { Description = "The generation's id." };
        var speed = new Option<double>("--speed") { Description = "Tokens a second; 0 for no pause.", HelpName = "N", DefaultValueFactory = _ => 50 };
        var json = new Option<bool>("--json") { Description = "Write one event a line, as JSON." };
        var command = new PenstockCommand("replay", Description, "penstock replay gen_0123456789abcdef0123456789abcdef --speed 20") { id, speed, json };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            var perSecond = result.GetValue(speed);
            if (perSecond is < 0 or > 1000) throw new UsageException("--speed must be from 0 to 1000 tokens a second.");
            using var client = server.NewClient(result, Following.NotesLoss());
            using var interrupts = new Interrupts();
            using var pace = perSecond > 0 ? new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond)) : null;
            var writer = new AnswerWriter(result.InvocationConfiguration.Output, result.GetValue(json));
            try
            {
                await foreach (var next in client.Attach(result.GetValue(id)!).WithCancellation(interrupts.Token))
                {
                    if (pace is not null && next is BlockDelta) await pace.WaitForNextTickAsync(interrupts.Token);
                    writer.Write(next);
                }
            }
            catch (OperationCanceledException)
            {
                writer.EndLine();
                return ExitCodes.Interrupted;
            }

            return ExitCodes.Done; // it was shown, however it ended
        });
        return command;
    }
}
