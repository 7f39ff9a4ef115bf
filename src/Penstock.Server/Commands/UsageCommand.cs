using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Penstock.Server.Commands;

/// <summary><c>penstock usage</c>: prints what a running server's generations used.</summary>
internal static class UsageCommand
{
    public const string Help = """
        Prints what the generations of a running server used: those that have ended and are still kept, newest first.

        Usage: penstock usage [--since TIME] [--until TIME] [--format csv|json]

          --since TIME         generations that began at this time or later: 2030-01-31, 2030-01-31T12:00:00Z,
                               or so long ago: 24h, 30d
          --until TIME         generations that began before this time
          --format csv|json    csv with a line of names (the default), or one JSON object a line
          --server URL         the server (http://localhost:8000)
          --key KEY            the caller's key, or else PENSTOCK_KEY of the environment

        Try:  penstock usage --since 24h > usage.csv
        """;

    private const string DefaultServer = "http://localhost:8000";

    private static readonly string[] _columns =
    [
        "id", "owner", "provider", "model", "status", "inputTokens", "cachedInputTokens", "outputTokens", "reasoningTokens", "source", "createdAt", "endedAt",
    ];

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        var rest = new Arguments(args);
        var server = rest.Take("--server") ?? DefaultServer;
        var key = rest.Take("--key") ?? Environment.GetEnvironmentVariable("PENSTOCK_KEY");
        var (since, until) = (TimeOf(rest.Take("--since")), TimeOf(rest.Take("--until")));
        var format = rest.Take("--format") ?? "csv";
        if (format is not ("csv" or "json")) throw new UsageException($"There is no format '{format}'.");
        if (rest.Rest.Count > 0) throw new UsageException($"'{string.Join(' ', rest.Rest)}' is not understood.");
        if (!Uri.TryCreate(server.TrimEnd('/') + "/", UriKind.Absolute, out var address)) throw new UsageException($"'{server}' is no URL.");

        using var http = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        if (key is not null) http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        using var reply = await http.GetAsync($"v1/usage?since={since}&until={until}", HttpCompletionOption.ResponseHeadersRead);
        if (reply.StatusCode != HttpStatusCode.OK) throw new CommandException($"The server answered {(int)reply.StatusCode}.");
        using var lines = new StreamReader(await reply.Content.ReadAsStreamAsync());
        if (format == "csv") await output.WriteLineAsync(string.Join(',', _columns.Select(Snake)));
        while (await lines.ReadLineAsync() is { } line) await output.WriteLineAsync(format == "csv" ? ToCsv(line) : line);
        return 0;
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
