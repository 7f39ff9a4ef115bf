using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Penstock.Server.Commands;
using Penstock.Streams;

namespace Penstock.Server;

/// <summary>Runs the server until it is told to stop.</summary>
internal static class Serving
{
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        if (SettingArguments.Mistake(args) is { } mistake)
        {
            await Console.Error.WriteLineAsync($"{mistake}\nTry: penstock serve --help");
            return ExitCodes.Usage;
        }

        try
        {
            DotEnv.Load();
            // Reloading appsettings.json watches the whole working directory, the data folder in it: every token would wake the watcher.
            Environment.SetEnvironmentVariable("DOTNET_hostBuilder__reloadConfigOnChange", "false");
            await using var app = PenstockServer.Build(WebApplication.CreateSlimBuilder(args));
            await app.RunAsync();
            return ExitCodes.Done;
        }
        catch (OptionsValidationException e)
        {
            await Console.Error.WriteLineAsync("Penstock cannot start with this configuration:");
            foreach (var failure in e.Failures) await Console.Error.WriteLineAsync($"  {failure}");
            return ExitCodes.Failed;
        }
        catch (Exception e) when (Reason(e) is { } reason)
        {
            await Console.Error.WriteLineAsync($"Penstock cannot start: {reason}");
            return ExitCodes.Failed;
        }
    }

    // Null for what nobody thought of, whose stack is needed.
    private static string? Reason(Exception e) => e switch
    {
        InvalidDataException { InnerException: not null } => $"{e.Message} {e.GetBaseException().Message}", // appsettings.json is no JSON
        FormatException { Source: "Microsoft.AspNetCore.Http" } => $"{e.Message}. Listen on an address such as http://localhost:8000.",
        IOException { InnerException: AddressInUseException } => $"{e.Message} Stop what listens there, or listen elsewhere: --urls http://localhost:PORT.",
        StreamUnreachableException => $"{e.Message} Start it, or mend Penstock:Storage:Redis.",
        StreamStorageException => $"{e.Message}. Mend that, or name another folder as Penstock:Storage:Path.",
        // A certificate that is missing or cannot be read, a damaged store.
        IOException or StreamException or CryptographicException or InvalidOperationException { Source: "Microsoft.AspNetCore.Server.Kestrel.Core" } => e.Message,
        _ => null,
    };
}
