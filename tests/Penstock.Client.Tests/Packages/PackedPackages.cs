using Penstock.Testing;

namespace Penstock.Client.Tests.Packages;

/// <summary>All that <c>dotnet pack</c> makes, in a folder that fresh projects restore from.</summary>
public sealed class PackedPackages : IAsyncLifetime
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(4);

    private string _root = "";

    /// <summary>Where the packages are.</summary>
    public string Folder => Path.Combine(_root, "packed");

    /// <summary>Where <c>dotnet tool install --global</c> puts a tool.</summary>
    public string Tools => Path.Combine(_root, ".dotnet", "tools");

    public async ValueTask InitializeAsync()
    {
        _root = Directory.CreateTempSubdirectory("penstock-packages-").FullName;
        // What was built with these tests is packed as it is.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        await RunAsync(Repository.Root, "pack", "Penstock.slnx", "--no-build", "-c", configuration, "-o", Folder, "-v", "q", "--nologo");
        // What is packed comes from that folder, all else from where this machine has it already: nobody is asked over the net.
        var cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var others = Directory.CreateDirectory(Path.Combine(_root, "others")).FullName;
        foreach (var package in Directory.GetDirectories(cache))
        {
            if (!Path.GetFileName(package).StartsWith("penstock", StringComparison.OrdinalIgnoreCase)) Directory.CreateSymbolicLink(Path.Combine(others, Path.GetFileName(package)), package);
        }

        await File.WriteAllTextAsync(Path.Combine(_root, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{Path.Combine(_root, "cache")}" /></config>
              <fallbackPackageFolders><clear /><add key="others" value="{others}" /></fallbackPackageFolders>
              <packageSources><clear /><add key="packed" value="{Folder}" /></packageSources>
            </configuration>
            """);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Types commands into a shell in a folder that is made for them.</summary>
    /// <returns>The folder.</returns>
    public async Task<string> TypeAsync(string name, string commands)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        var (exit, output, error) = await Command.RunAsync(_limit, "bash", ["-ec", commands], folder, [.. _quiet, ("DOTNET_CLI_HOME", _root), ("NUGET_PACKAGES", "")]);
        exit.ShouldBe(0, $"{commands}\n{output}\n{error}");
        return folder;
    }

    private static readonly (string, string)[] _quiet = [("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"), ("DOTNET_CLI_USE_MSBUILD_SERVER", "0"), ("DOTNET_NOLOGO", "1"), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_SKIP_FIRST_TIME_EXPERIENCE", "1")];

    private static async Task RunAsync(string folder, params string[] arguments)
    {
        var (exit, output, error) = await Command.RunAsync(_limit, "dotnet", arguments, folder, _quiet);
        exit.ShouldBe(0, $"dotnet {string.Join(' ', arguments)}\n{output}\n{error}");
    }
}
