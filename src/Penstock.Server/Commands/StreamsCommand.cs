using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Penstock.Server.Commands;

/// <summary><c>penstock streams</c>: looks at the streams of a running server.</summary>
internal static class StreamsCommand
{
    public const string Help = """
        Looks at the streams of a running server.

        Usage: penstock streams ls [PREFIX]       list them, the newest first
               penstock streams cat PATH          print what a stream holds
               penstock streams tail PATH         print what comes, until the stream is closed
               penstock streams rm PATH           delete a stream

          PATH                 as after /v1/stream/; generations are at generations/ID
          --server URL         the server (http://localhost:8000)
          --offset OFFSET      where to begin: an offset, -1 for the beginning, now for the end
                               (cat begins at the beginning, tail at the end)

        JSON streams are printed one message a line; others as they are.

        Try:  penstock streams ls
              penstock streams tail generations/gen_0123… --offset -1
        """;

    private const string DefaultServer = "http://localhost:8000";

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        var server = Take(ref args, "--server") ?? DefaultServer;
        var offset = Take(ref args, "--offset");
        if (!Uri.TryCreate(server.TrimEnd('/') + "/", UriKind.Absolute, out var address)) throw new UsageException($"'{server}' is no URL.");
        using var client = new StreamsClient(address);
        switch (args)
        {
            case ["ls"] or ["ls", _]:
                await ListAsync(client, args.Length == 2 ? args[1] : "", output);
                return 0;
            case ["cat", var path]:
                await client.ReadAsync(path, offset ?? "-1", Console.OpenStandardOutput());
                return 0;
            case ["tail", var path]:
                await client.FollowAsync(path, offset ?? "now", Console.OpenStandardOutput());
                return 0;
            case ["rm", var path]:
                await client.DeleteAsync(path);
                return 0;
            case []:
                throw new UsageException("Say what to do: ls, cat, tail or rm.");
            default:
                throw new UsageException($"'{string.Join(' ', args)}' is not understood.");
        }
    }

    private static async Task ListAsync(StreamsClient client, string prefix, TextWriter output)
    {
        using var list = await client.ListAsync(prefix);
        var rows = new List<string[]> { new[] { "PATH", "TYPE", "EVENTS", "STATE", "CREATED", "EXPIRES" } };
        foreach (var stream in list.RootElement.GetProperty("data").EnumerateArray())
        {
            rows.Add([
                stream.GetProperty("path").GetString()!,
                stream.GetProperty("contentType").GetString()!,
                stream.GetProperty("events").GetInt64().ToString(CultureInfo.InvariantCulture),
                stream.GetProperty("closed").GetBoolean() ? "closed" : "open",
                Time(stream.GetProperty("createdAt")),
                stream.TryGetProperty("expiresAt", out var end) ? Time(end) : "",
            ]);
        }

        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            var line = new StringBuilder();
            for (var column = 0; column < row.Length; column++) line.Append(row[column].PadRight(widths[column] + 2));
            await output.WriteLineAsync(line.ToString().TrimEnd());
        }
    }

    private static string Time(JsonElement time) => time.GetDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string? Take(ref string[] args, string option)
    {
        var at = Array.IndexOf(args, option);
        if (at < 0) return null;
        if (at + 1 == args.Length) throw new UsageException($"{option} needs a value.");
        var value = args[at + 1];
        args = [.. args[..at], .. args[(at + 2)..]];
        return value;
    }
}
