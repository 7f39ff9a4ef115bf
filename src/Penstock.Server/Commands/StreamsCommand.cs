using System.Globalization;

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
          --key KEY            the key to show, if the server asks for one; better set PENSTOCK_KEY (an admin key sees all)
          --owner NAME         with an admin key: whose stream PATH is
          --offset OFFSET      where to begin: an offset, -1 for the beginning, now for the end
                               (cat begins at the beginning, tail at the end)

        JSON streams are printed one message a line; others as they are.

        Try:  penstock streams ls
              penstock streams tail generations/gen_0123… --offset -1
        """;

    private const string DefaultServer = "http://localhost:8000";

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        var rest = new Arguments(args);
        var server = rest.Take("--server") ?? DefaultServer;
        var offset = rest.Take("--offset");
        var key = rest.Take("--key") ?? Environment.GetEnvironmentVariable("PENSTOCK_KEY");
        var owner = rest.Take("--owner");
        args = [.. rest.Rest];
        if (!Uri.TryCreate(server.TrimEnd('/') + "/", UriKind.Absolute, out var address)) throw new UsageException($"'{server}' is no URL.");
        using var client = new StreamsClient(address, key, owner);
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
        var streams = list.RootElement.GetProperty("data").EnumerateArray().ToList();
        var isAdmin = streams.Exists(stream => stream.TryGetProperty("owner", out _)); // only an operator is told
        string[] head = ["PATH", "TYPE", "EVENTS", "STATE", "CREATED", "EXPIRES"];
        await Table.WriteAsync(output, isAdmin ? [.. head, "OWNER"] : head, streams.Select(stream =>
        {
            string[] row =
            [
                stream.GetProperty("path").GetString()!,
                stream.GetProperty("contentType").GetString()!,
                stream.GetProperty("events").GetInt64().ToString(CultureInfo.InvariantCulture),
                stream.GetProperty("closed").GetBoolean() ? "closed" : "open",
                Table.Time(stream.GetProperty("createdAt").GetDateTimeOffset()),
                stream.TryGetProperty("expiresAt", out var end) ? Table.Time(end.GetDateTimeOffset()) : "",
            ];
            return isAdmin ? [.. row, stream.GetProperty("owner").GetString() ?? ""] : row;
        }));
    }
}
