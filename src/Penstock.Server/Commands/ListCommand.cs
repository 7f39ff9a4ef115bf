using System.CommandLine;
using System.Globalization;
using Penstock.Client;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock ls</c></summary>
internal static class ListCommand
{
    private const int TextWidth = 40;

    public static Command New()
    {
        var status = new Option<string?>("--status") { Description = "Only those that are queued, running, finished, stopped, failed or interrupted.", HelpName = "STATUS" }
            .AcceptOnlyFromAmong("queued", "running", "finished", "stopped", "failed", "interrupted");
        var limit = new Option<int>("--limit") { Description = "At most so many, up to 100.", HelpName = "N", DefaultValueFactory = _ => 20 };
        var json = new Option<bool>("--json") { Description = "Write one snapshot a line, as JSON." };
        var command = new PenstockCommand("ls", "Lists your generations that are kept, the newest first.", "penstock ls --status running") { status, limit, json };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            var most = result.GetValue(limit) is >= 1 and <= 100 and var given ? given : throw new UsageException("--limit must be a number from 1 to 100.");
            using var client = server.NewClient(result);
            var output = result.InvocationConfiguration.Output;
            var snapshots = await client.ListAsync(result.GetValue(status), most);
            if (result.GetValue(json))
            {
                foreach (var snapshot in snapshots) await output.WriteLineAsync(SnapshotJson.Write(snapshot));
                return ExitCodes.Done;
            }

            await Table.WriteAsync(output, ["ID", "STATUS", "MODEL", "CREATED", "TOKENS", "TEXT"], snapshots.Select(s => new[]
            {
                s.Id,
                s.Status,
                s.Model ?? "",
                Table.Time(s.CreatedAt),
                s.Usage?.OutputTokens?.ToString(CultureInfo.InvariantCulture) ?? "",
                Begin(s.Text),
            }));
            return ExitCodes.Done;
        });
        return command;
    }

    private static string Begin(string text)
    {
        var line = new string([.. text.Take(TextWidth * 2).Select(c => char.IsControl(c) ? ' ' : c)]);
        return line.Length <= TextWidth ? line : $"{line[..(char.IsHighSurrogate(line[TextWidth - 1]) ? TextWidth - 1 : TextWidth)]}…";
    }
}
