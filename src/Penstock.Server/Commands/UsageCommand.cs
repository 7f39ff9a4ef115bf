using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Penstock.Server.Commands;

/// <summary><c>penstock usage</c>: prints what a running server's generations used.</summary>
internal static class UsageCommand
{
    private const string Description = "Prints what the generations of a running server used: those that have ended and are still kept, newest first.";

    private static readonly string[] _columns =
    [
        "id", "owner", "provider", "model", "status", "inputTokens", "cachedInputTokens", "outputTokens", "reasoningTokens", "source", "createdAt", "endedAt", "summaryFor",
    ];

    public static Command New()
    {
        var since = new Option<string?>("--since") { Description = "Generations that began at this time or later: 2030-01-31, 2030-01-31T12:00:00Z, or so long ago: 24h, 30d.", HelpName = "TIME" };
        var until = new Option<string?>("--until") { Description = "Generations that began before this time.", HelpName = "TIME" };
        var format = new Option<string>("--format") { Description = "csv with a line of names, or one JSON object a line.", HelpName = "csv|json", DefaultValueFactory = _ => "csv" }
            .AcceptOnlyFromAmong("csv", "json");
        var command = new PenstockCommand("usage", Description, "penstock usage --since 24h > usage.csv") { since, until, format };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            var output = result.InvocationConfiguration.Output;
            var asCsv = result.GetValue(format) == "csv";
            var (begin, end) = (TimeOf(result.GetValue(since)), TimeOf(result.GetValue(until)));
            using var client = new StreamsClient(server.Address(result), server.Key(result), owner: null);
            using var lines = await client.ReadUsageAsync(begin, end);
            if (asCsv) await output.WriteLineAsync(string.Join(',', _columns.Select(Snake)));
            while (await lines.ReadLineAsync() is { } line) await output.WriteLineAsync(asCsv ? ToCsv(line) : line);
            return ExitCodes.Done;
        });
        return command;
    }

    private static string ToCsv(string line)
    {
        using var json = JsonDocument.Parse(line);
        return string.Join(',', _columns.Select(name => json.RootElement.TryGetProperty(name, out var value) ? Quote(value.ToString()) : ""));
    }

    // RFC 4180. What a spreadsheet would take for a formula is made text: models are named by callers.
    private static string Quote(string value)
    {
        if (value is ['=' or '+' or '-' or '@', ..]) value = $"'{value}";
        return value.AsSpan().IndexOfAny(",\"\r\n") < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private static string Snake(string name) => string.Concat(name.Select(c => char.IsAsciiLetterUpper(c) ? $"_{char.ToLowerInvariant(c)}" : $"{c}"));

    private static string TimeOf(string? text)
    {
        if (text is null) return "";
        var time = text is [.., 'h' or 'd'] && double.TryParse(text[..^1], CultureInfo.InvariantCulture, out var number)
            ? DateTimeOffset.UtcNow - (text[^1] == 'h' ? TimeSpan.FromHours(number) : TimeSpan.FromDays(number))
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var exact)
                ? exact
                : throw new UsageException($"'{text}' is no time; give one like 2030-01-31T12:00:00Z, or 24h, 30d.");
        return Uri.EscapeDataString(time.ToString("O", CultureInfo.InvariantCulture));
    }
}
