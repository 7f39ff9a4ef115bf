using System.CommandLine;
using System.Globalization;
using Penstock.Client;
using Penstock.Server.Commands.Output;

namespace Penstock.Server.Commands;

/// <summary><c>penstock show</c></summary>
internal static class ShowCommand
{
    public static Command New()
    {
        var id = new Argument<string>("ID") { Description = "The generation's id." };
        var json = new Option<bool>("--json") { Description = "Write the snapshot, as JSON on one line." };
        var command = new PenstockCommand("show", "Shows a generation as it stands: its text, and beside it how it is.", "penstock show gen_0123456789abcdef0123456789abcdef --json") { id, json };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = server.NewClient(result);
            var output = result.InvocationConfiguration.Output;
            var snapshot = await client.GetAsync(result.GetValue(id)!);
            if (result.GetValue(json)) await output.WriteLineAsync(SnapshotJson.Write(snapshot));
            else Write(snapshot, output);
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Write(GenerationSnapshot snapshot, TextWriter output)
    {
        Terminal.Note($"{snapshot.Id} · {snapshot.Status}{Why(snapshot)} · {snapshot.Model} · {Table.Time(snapshot.CreatedAt)}{Tokens(snapshot.Usage)}");
        foreach (var call in snapshot.Blocks.Where(b => b.Kind is "tool_call" or "server_tool_call")) Terminal.Note($"[{call.Name}({call.Text})]");
        if (!Terminal.StylesOutput)
        {
            output.WriteLine(snapshot.Text);
            return;
        }

        var markdown = new MarkdownWriter(output);
        markdown.Write(snapshot.Text);
        markdown.End();
    }

    private static string Why(GenerationSnapshot snapshot) =>
        (snapshot.FinishReason ?? snapshot.StopReason ?? snapshot.Error?.Message) is { } why ? $" ({why})" : "";

    private static string Tokens(TokenUsage? usage) => usage is null
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $" · {usage.InputTokens?.ToString(CultureInfo.InvariantCulture) ?? "?"} tokens in, {usage.OutputTokens?.ToString(CultureInfo.InvariantCulture) ?? "?"} out");
}
