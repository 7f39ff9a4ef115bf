using System.Text.RegularExpressions;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary><c>deploy/Dockerfile</c>, as far as it goes without a container engine.</summary>
public sealed partial class DockerfileTests
{
    // An instruction a line: comments away, continuations joined.
    private readonly List<string[]> _instructions =
        [.. Continuation().Replace(Comment().Replace(DeployFolder.Text("Dockerfile"), ""), " ").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    [Fact]
    public void What_it_copies_is_in_the_repository_and_in_the_context()
    {
        var allowed = DeployFolder.Text("Dockerfile.dockerignore").Split('\n').Where(l => l.StartsWith('!')).Select(l => l[1..]).ToList();
        var copies = _instructions.Where(i => i[0] == "COPY" && !i[1].StartsWith("--from", StringComparison.Ordinal))
            .SelectMany(i => i.Skip(1).SkipLast(1).Where(s => !s.StartsWith("--", StringComparison.Ordinal))).Select(s => s.TrimEnd('/')).ToList();
        copies.ShouldNotBeEmpty();
        foreach (var source in copies) Path.Exists(Path.Combine(Repository.Root, source)).ShouldBeTrue(source);
        copies.Order().ShouldBe(allowed.Order());
    }

    [Fact]
    public void It_starts_the_server_that_is_built_as_somebody_who_is_not_root()
    {
        var last = _instructions.FindLastIndex(i => i[0] == "FROM");
        var image = _instructions[last..];
        var entry = string.Join(' ', image.Single(i => i[0] == "ENTRYPOINT"));
        entry.ShouldBe($"ENTRYPOINT [\"dotnet\", \"{image.Single(i => i[0] == "WORKDIR")[1]}/{Path.GetFileName(PenstockProcess.ServerDll())}\"]");
        image.Last(i => i[0] == "USER")[1].ShouldBe("$APP_UID"); // .NET's images set it, and it is not 0
        image.FindIndex(i => i[0] == "USER").ShouldBeLessThan(image.FindIndex(i => i[0] == "ENTRYPOINT"));
        image.Where(i => i[0] == "RUN").ShouldAllBe(run => image.IndexOf(run) < image.FindIndex(i => i[0] == "USER"));
        var environment = image.Single(i => i[0] == "ENV").Skip(1).Select(e => e.Split('=')).ToDictionary(e => e[0], e => e[1]);
        environment["ASPNETCORE_HTTP_PORTS"].ShouldBe(image.Single(i => i[0] == "EXPOSE")[1]);
        var options = DeployFolder.Bind(environment);
        string[] folders = [options.Storage.Path, Path.GetDirectoryName(options.Auth.KeyFile!)!];
        image.Single(i => i[0] == "RUN").ShouldBe(["RUN", "mkdir", .. folders, "&&", "chown", "$APP_UID", .. folders]);
    }

    [Fact]
    public void The_published_project_targets_the_runtime_of_the_image()
    {
        var framework = typeof(PenstockServer).Assembly.GetCustomAttributes(typeof(System.Runtime.Versioning.TargetFrameworkAttribute), inherit: false)
            .Cast<System.Runtime.Versioning.TargetFrameworkAttribute>().Single().FrameworkName.Split("=v")[1];
        _instructions.Where(i => i[0] == "FROM").Select(i => i[1]).Skip(1).ShouldBe([$"mcr.microsoft.com/dotnet/sdk:{framework}", $"mcr.microsoft.com/dotnet/aspnet:{framework}"]);
    }

    [Fact]
    public async Task The_health_check_tells_a_server_that_answers_from_one_that_does_not()
    {
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For());
        var port = $"{server.Url.Port}";
        (await CheckAsync("/healthz", port)).ShouldBe(0);
        (await CheckAsync("/readyz", port)).ShouldBe(0);
        (await CheckAsync("/nothing", port)).ShouldNotBe(0);
        (await Command.RunAsync("bash", [DeployFolder.Path("healthcheck")], null, ("ASPNETCORE_HTTP_PORTS", port))).ExitCode.ShouldBe(0);
        await server.Kill9();
        (await CheckAsync("/healthz", port)).ShouldNotBe(0);
    }

    private static async Task<int> CheckAsync(params string[] arguments) => (await Command.RunAsync("bash", [DeployFolder.Path("healthcheck"), .. arguments])).ExitCode;

    [GeneratedRegex("(?m)^#.*\n", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\s*\\\n\s*", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Continuation();
}
