using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Penstock.Streams;

namespace Penstock.Server;

/// <summary>Runs the server until it is told to stop.</summary>
internal static class Serving
{
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            DotEnv.Load();
            // Reloading appsettings.json watches the whole working directory, the data folder in it: every token would wake the watcher.
            Environment.SetEnvironmentVariable("DOTNET_hostBuilder__reloadConfigOnChange", "false");
            await using var app = PenstockServer.Build(WebApplication.CreateSlimBuilder(args));
            await app.RunAsync();
            return 0;
        }
        catch (OptionsValidationException e)
        {
            Console.Error.WriteLine("Penstock cannot start with this configuration:");
            foreach (var failure in e.Failures) Console.Error.WriteLine($"  {failure}");
            return 1;
        }
        catch (Exception e) when (e is IOException or StreamException or CryptographicException or InvalidOperationException { Source: "Microsoft.AspNetCore.Server.Kestrel.Core" })
        {
            // A port or a data folder that somebody else has, a folder that cannot be written, or a certificate that is missing or cannot be read.
            Console.Error.WriteLine($"Penstock cannot start: {e.Message}");
            return 1;
        }
    }
}
