using System.Runtime.Versioning;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary>The scripts of <c>deploy/</c>: they parse, and <c>up</c> and <c>down</c> ask a container engine for the right things in the right order.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ScriptTests
{
    [Theory]
    [InlineData("local")]
    [InlineData("up")]
    [InlineData("down")]
    [InlineData("healthcheck")]
    public async Task A_script_parses_and_may_be_run(string name)
    {
        (await Command.RunAsync("bash", ["-n", DeployFolder.Path(name)])).ExitCode.ShouldBe(0);
        File.GetUnixFileMode(DeployFolder.Path(name)).HasFlag(UnixFileMode.UserExecute).ShouldBeTrue();
    }

    [Fact]
    public async Task Up_makes_the_key_before_the_nodes_and_replaces_them_one_by_one()
    {
        await using var folder = await DockerFolder.NewAsync();
        var (code, output, error) = await folder.RunAsync("up");
        code.ShouldBe(0, error);
        var asked = await folder.AskedAsync();
        asked.Where(a => a.StartsWith("compose up", StringComparison.Ordinal)).ShouldBe(
        [
            "compose up -d --wait redis rabbitmq",
            "compose up -d --wait --no-deps worker-1", "compose up -d --wait --no-deps worker-2",
            "compose up -d --wait --no-deps gateway-1", "compose up -d --wait --no-deps gateway-2",
            "compose up -d --wait nginx",
        ]);
        asked.IndexOf("compose run --rm keys create --owner operator --admin").ShouldBeInRange(1, asked.FindIndex(a => a.EndsWith("worker-1", StringComparison.Ordinal)));
        output.ShouldContain("Bearer pk_made");
        output.ShouldContain("http://localhost:8080");
        var settings = await File.ReadAllTextAsync(folder.In(".env"));
        settings.ShouldMatch("(?m)^RABBITMQ_PASS=[A-Za-z0-9]{32}$");
        File.GetUnixFileMode(folder.In(".env")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);

        // A second time: what is there stays.
        await File.WriteAllTextAsync(folder.In("has-key"), "");
        (await folder.RunAsync("up")).Output.ShouldNotContain("Made a key");
        (await File.ReadAllTextAsync(folder.In(".env"))).ShouldBe(settings);
    }

    [Fact]
    public async Task Down_forgets_nothing_unless_it_is_told_to()
    {
        await using var folder = await DockerFolder.NewAsync();
        (await folder.RunAsync("down")).ExitCode.ShouldBe(0);
        (await folder.RunAsync("down", "--volumes")).ExitCode.ShouldBe(0);
        (await folder.AskedAsync()).ShouldBe(["compose --profile keys down", "compose --profile keys down --volumes"]);
    }

    [Fact]
    public async Task Every_service_that_up_names_is_in_the_compose_file()
    {
        await using var folder = await DockerFolder.NewAsync();
        await folder.RunAsync("up");
        var words = (await folder.AskedAsync()).Where(a => a.StartsWith("compose up", StringComparison.Ordinal)).SelectMany(a => a.Split(' ').Skip(2)).Where(w => !w.StartsWith('-'));
        words.Order().ShouldBe(new ComposeFile().Services.Where(s => s != "keys").Order());
    }

    /// <summary>A copy of <c>deploy/</c>, and a <c>docker</c> that writes down what it is asked.</summary>
    private sealed class DockerFolder : IAsyncDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("penstock-deploy-").FullName;

        public static async Task<DockerFolder> NewAsync()
        {
            var folder = new DockerFolder();
            foreach (var name in new[] { "up", "down", ".env.example", "compose.yaml" }) File.Copy(DeployFolder.Path(name), folder.In(name));
            Directory.CreateDirectory(folder.In("bin"));
            await File.WriteAllTextAsync(folder.In("bin/docker"), """
                #!/usr/bin/env bash
                here=$(dirname "$(dirname "$0")")
                echo "$*" >>"$here/asked"
                case $* in
                  *"keys ls") [ ! -e "$here/has-key" ] || echo "0123456789ab operator (admin) live" ;;
                  *"keys create"*) echo pk_made ;;
                  *"port nginx 8080") echo 0.0.0.0:8080 ;;
                  *"port rabbitmq 15672") echo 127.0.0.1:15672 ;;
                esac
                """);
            File.SetUnixFileMode(folder.In("bin/docker"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return folder;
        }

        public string In(string name) => Path.Combine(_folder, name);

        public Task<(int ExitCode, string Output, string Error)> RunAsync(string script, params string[] arguments) =>
            Command.RunAsync("bash", [In(script), .. arguments], "/", ("PATH", $"{In("bin")}:{Environment.GetEnvironmentVariable("PATH")}"));

        public async Task<List<string>> AskedAsync() => [.. await File.ReadAllLinesAsync(In("asked"))];

        public ValueTask DisposeAsync()
        {
            Directory.Delete(_folder, recursive: true);
            return default;
        }
    }
}
