using System.CommandLine;
using Penstock.Client;

namespace Penstock.Server.Commands;

/// <summary>Which server a command asks, and as whom.</summary>
internal sealed class ServerOptions
{
    private const string DefaultServer = "http://localhost:8000";

    private readonly Option<string?> _server = new("--server") { Description = $"The server (PENSTOCK_SERVER, or else {DefaultServer}).", HelpName = "URL" };
    private readonly Option<string?> _key = new("--key") { Description = "The key to show, if the server asks for one; better set PENSTOCK_KEY.", HelpName = "KEY" };

    /// <summary>Adds the options to a command.</summary>
    public ServerOptions(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_key);
    }

    public bool NamesServer(ParseResult result) => result.GetValue(_server) is not null || Variable("PENSTOCK_SERVER") is not null;

    public Uri Address(ParseResult result)
    {
        var server = result.GetValue(_server) ?? Variable("PENSTOCK_SERVER") ?? DefaultServer;
        return Uri.TryCreate(server.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new UsageException($"'{server}' is no URL of a server.");
    }

    public string? Key(ParseResult result) => result.GetValue(_key) ?? Variable("PENSTOCK_KEY");

    public PenstockClient NewClient(ParseResult result, Action<PenstockException>? reconnecting = null, double patience = 60)
    {
        try
        {
            return new PenstockClient(new PenstockClientOptions
            {
                BaseAddress = Address(result),
                ApiKey = Key(result),
                MaxOutage = patience is > 0 and < 1e9 ? TimeSpan.FromSeconds(patience) : throw new UsageException("--patience must be a number of seconds."),
                OnReconnecting = reconnecting,
            });
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>How long to try to reach a server that has gone.</summary>
    public static Option<double> NewPatience() => new("--patience") { Description = "For how many seconds to try to come back to a server that has gone.", HelpName = "SECONDS", DefaultValueFactory = _ => 60 };

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
