using System.CommandLine;
using System.Globalization;

namespace Penstock.Server.Commands;

/// <summary><c>penstock streams</c>: looks at the streams of a running server.</summary>
internal static class StreamsCommand
{
    private const string Description = """
        Looks at the streams of a running server, and deletes them.

        JSON streams are printed one message a line; others as they are. An admin key sees everybody's.
        """;

    private const string Example = """
        penstock streams ls
        penstock streams tail generations/gen_0123456789abcdef0123456789abcdef --offset -1
        """;

    public static Command New() => new PenstockCommand("streams", Description, Example) { NewList(), NewCat(), NewTail(), NewRemove() };

    private static PenstockCommand NewList()
    {
        var prefix = new Argument<string?>("PREFIX") { Description = "What their paths begin with.", Arity = ArgumentArity.ZeroOrOne };
        var command = new PenstockCommand("ls", "Lists streams, the newest first.", "penstock streams ls generations/") { prefix };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = NewClient(server, result, owner: null);
            await ListAsync(client, result.GetValue(prefix) ?? "", result.InvocationConfiguration.Output);
            return ExitCodes.Done;
        });
        return command;
    }

    private static PenstockCommand NewCat() => NewReader("cat", "Prints what a stream holds.", "-1", (client, path, offset, output) => client.ReadAsync(path, offset, output));

    private static PenstockCommand NewTail() => NewReader("tail", "Prints what comes, until the stream is closed.", "now", (client, path, offset, output) => client.FollowAsync(path, offset, output));

    private static PenstockCommand NewReader(string name, string description, string begin, Func<StreamsClient, string, string, Stream, Task> read)
    {
        var path = NewPath();
        var owner = NewOwner();
        var offset = new Option<string>("--offset") { Description = "Where to begin: an offset, -1 for the beginning, now for the end.", HelpName = "OFFSET", DefaultValueFactory = _ => begin };
        var command = new PenstockCommand(name, description, $"penstock streams {name} app/orders") { path, offset, owner };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = NewClient(server, result, result.GetValue(owner));
            await read(client, result.GetValue(path)!, result.GetValue(offset)!, Console.OpenStandardOutput());
            return ExitCodes.Done;
        });
        return command;
    }

    private static PenstockCommand NewRemove()
    {
        var path = NewPath();
        var owner = NewOwner();
        var command = new PenstockCommand("rm", "Deletes a stream.", "penstock streams rm app/orders") { path, owner };
        var server = new ServerOptions(command);
        command.SetAction(async result =>
        {
            using var client = NewClient(server, result, result.GetValue(owner));
            await client.DeleteAsync(result.GetValue(path)!);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Argument<string> NewPath() => new("PATH") { Description = "As after /v1/stream/; generations are at generations/ID." };

    private static Option<string?> NewOwner() => new("--owner") { Description = "With an admin key: whose stream it is.", HelpName = "NAME" };

    private static StreamsClient NewClient(ServerOptions server, ParseResult result, string? owner) => new(server.Address(result), server.Key(result), owner);

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
