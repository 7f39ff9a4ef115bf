using System.CommandLine;
using Penstock.Client;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock export</c></summary>
internal static class ExportCommand
{
    private const string Prefix = "generations/";
    private const int MaxListed = 1000;

    private const string Description = """
        Writes generations as JSON, one a line: those named, or all of yours that are kept and have ended, the newest first, a
        thousand at most.
        """;

    public static Command New()
    {
        var ids = new Argument<string[]>("ID") { Description = "The generations' ids.", Arity = ArgumentArity.ZeroOrMore };
        var events = new Option<bool>("--events") { Description = "Write each one's events, one a line, in place of what they add up to." };
        var command = new PenstockCommand("export", Description, "penstock export > generations.jsonl") { ids, events };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = server.NewClient(result);
            using var interrupts = new Interrupts();
            var output = result.InvocationConfiguration.Output;
            var named = result.GetValue(ids)!;
            var all = named.Length > 0 ? named : await AllAsync(server.Address(result), server.Key(result));
            for (var done = 0; done < all.Length; done++)
            {
                interrupts.Token.ThrowIfCancellationRequested();
                Terminal.Progress($"{done} of {all.Length}");
                try
                {
                    if (result.GetValue(events)) await WriteEventsAsync(client.Attach(all[done]), output, interrupts.Token);
                    else await output.WriteLineAsync(SnapshotJson.Write(await client.GetAsync(all[done], interrupts.Token)));
                }
                catch (PenstockException e) when (e.Status == 404 && named.Length == 0)
                {
                    // It has expired since it was listed.
                }
            }

            Terminal.Progress("");
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task WriteEventsAsync(PenstockRun run, TextWriter output, CancellationToken cancellationToken)
    {
        var writer = new AnswerWriter(output, asJson: true);
        await foreach (var next in run.WithCancellation(cancellationToken)) writer.Write(next);
    }

    // The list of generations ends at a hundred; their streams are all listed.
    private static async Task<string[]> AllAsync(Uri address, string? key)
    {
        using var streams = new StreamsClient(address, key, owner: null);
        using var list = await streams.ListAsync(Prefix, MaxListed);
        return [.. list.RootElement.GetProperty("data").EnumerateArray()
            .Where(stream => stream.GetProperty("closed").GetBoolean())
            .Select(stream => stream.GetProperty("path").GetString()![Prefix.Length..])];
    }
}
