using System.CommandLine;
using System.Globalization;
using Penstock.Client;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock replay</c></summary>
internal static class ReplayCommand
{
    private const string Description = """
        Writes an answer again as if it were given now, each token as long after the first as it was then.

        Of an answer that was stored before the log kept times the order alone is known: its pace is even.
        """;

    public static Command New()
    {
        var id = new Argument<string>("ID") { Description = "The generation's id." };
        var speed = new Option<double>("--speed") { Description = "How many times as fast as it was given; 0 for no pause.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Write one event a line, as JSON." };
        var command = new PenstockCommand("replay", Description, "penstock replay gen_0123456789abcdef0123456789abcdef --speed 4") { id, speed, json };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            var times = result.GetValue(speed);
            if (times is not (0 or (>= 0.01 and <= 1000))) throw new UsageException("--speed must be from 0.01 to 1000 times its own pace, or 0 for no pause.");
            using var client = server.NewClient(result, Following.NotesLoss());
            using var interrupts = new Interrupts();
            var pace = new ReplayPace(times);
            var isTold = false;
            var writer = new AnswerWriter(result.InvocationConfiguration.Output, result.GetValue(json));
            try
            {
                await foreach (var next in client.Attach(result.GetValue(id)!).WithCancellation(interrupts.Token))
                {
                    await pace.WaitAsync(next, interrupts.Token);
                    if (pace.IsEven && !isTold) Terminal.Note(string.Create(CultureInfo.InvariantCulture, $"[This answer was stored without times: it comes at an even pace, {ReplayPace.Even * times:0.##} tokens a second.]"));
                    isTold = pace.IsEven;
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
