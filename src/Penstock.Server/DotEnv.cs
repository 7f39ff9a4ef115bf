namespace Penstock.Server;

/// <summary>Reads <c>.env</c> in the working directory into the environment, in development only; what is set already wins.</summary>
internal static class DotEnv
{
    public static void Load()
    {
        var environment = Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT");
        if (environment != Environments.Development || !File.Exists(".env")) return;
        foreach (var line in File.ReadLines(".env"))
        {
            var text = line.Trim();
            if (text.StartsWith("export ", StringComparison.Ordinal)) text = text[7..];
            var equals = text.IndexOf('=');
            if (equals <= 0 || text[0] == '#') continue;
            var name = text[..equals].Trim();
            var value = text[(equals + 1)..].Trim().Trim('"', '\'');
            if (Environment.GetEnvironmentVariable(name) is null) Environment.SetEnvironmentVariable(name, value);
        }
    }
}
