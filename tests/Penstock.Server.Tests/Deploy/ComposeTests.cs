using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Penstock.Server.Tests.Nodes;
using Penstock.Testing;

namespace Penstock.Server.Tests.Deploy;

/// <summary><c>deploy/compose.yaml</c>, as far as it goes without a container engine: what it says of Penstock is held against Penstock.</summary>
public sealed partial class ComposeTests(Engines engines) : IClassFixture<Engines>
{
    private readonly ComposeFile _file = new();

    [Fact]
    public void Two_gateways_and_two_workers_run_one_image()
    {
        _file.WithRole("gateway").ShouldBe(["gateway-1", "gateway-2"]);
        _file.WithRole("worker").ShouldBe(["worker-1", "worker-2"]);
        _file.Nodes.Append("keys").Select(s => _file.Value(s, "image")).Distinct().ShouldBe(["penstock"]);
    }

    [Fact]
    public void Whatever_a_node_is_told_is_a_key_that_there_is()
    {
        foreach (var node in _file.Nodes)
        {
            var options = DeployFolder.Bind(_file.Environment(node));
            options.Storage.Kind.ShouldBe("redis");
            options.Queue.Kind.ShouldBe("rabbitmq");
            new Uri(options.Queue.RabbitMq).Host.ShouldBeOneOf([.. _file.Services]);
            _file.Environment(node)["REDIS_HOST"].ShouldBeOneOf([.. _file.Services]);
            Seconds(_file.Value(node, "stop_grace_period")!).ShouldBeGreaterThan(DeployFolder.LongestShutdown(options));
        }
    }

    [Fact]
    public void Whatever_it_names_is_there()
    {
        foreach (var service in _file.Services)
        {
            _file.List(service, "depends_on").Except(_file.Services).ShouldBeEmpty();
            _file.List(service, "networks").Except(_file.Networks).ShouldBeEmpty();
            foreach (var source in _file.List(service, "volumes").Select(v => v.Split(':')[0]))
            {
                if (source.StartsWith('.')) File.Exists(DeployFolder.Path(source)).ShouldBeTrue(source);
                else _file.Volumes.ShouldContain(source);
            }
        }

        // Redis asks for no password, so whoever faces the world must not be in its network.
        _file.List("nginx", "networks").Intersect(_file.List("redis", "networks")).ShouldBeEmpty();
        _file.List("redis", "ports").ShouldBeEmpty();
    }

    [Fact]
    public void Whatever_it_takes_from_the_environment_the_example_has()
    {
        var example = DeployFolder.Text(".env.example").Split('\n').Where(l => l.Contains('=', StringComparison.Ordinal)).Select(l => l.Split('=')[0]).ToList();
        Variable().Matches(DeployFolder.Text("compose.yaml")).Select(m => m.Groups["name"].Value).Distinct().Order().ShouldBe(example.Order());
    }

    [Theory]
    [InlineData("gateway-1")]
    [InlineData("worker-1")]
    public async Task A_server_starts_on_it_beyond_loopback_and_asks_for_a_key(string node)
    {
        var port = Ports.Free();
        await using (var keyless = PenstockProcess.Launch(SettingsOf(node), listen: $"http://0.0.0.0:{port}"))
        {
            (await keyless.ExitedAsync()).ShouldNotBe(0);
            keyless.Log.ShouldContain("nothing says who may call it");
        }

        var keys = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        var made = await Command.RunAsync("dotnet", [PenstockProcess.ServerDll(), "keys", "create", "--owner", "operator", "--admin", "--data", keys]);
        await using var server = await PenstockProcess.StartAsync(SettingsOf(node).With("Auth:KeyFile", Path.Combine(keys, "keys.json")), port, $"http://0.0.0.0:{port}");
        var metrics = server.Api.Get("metrics"); // on workers too
        (await Api.SendTextAsync(metrics)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await Api.SendTextAsync(metrics.With("x-api-key", made.Output.Trim()))).Status.ShouldBe(HttpStatusCode.OK);
        (await Api.SendTextAsync(server.Api.Get("readyz"))).Status.ShouldBe(HttpStatusCode.OK);
        Directory.Delete(keys, recursive: true);
    }

    private PenstockSettings SettingsOf(string node)
    {
        var settings = new PenstockSettings();
        foreach (var (name, value) in _file.Environment(node)) settings.WithVariable(name, value.StartsWith('$') ? "" : value);
        // The containers' names are not known here.
        return settings.WithVariable("REDIS_HOST", "127.0.0.1").WithVariable("REDIS_PORT", $"{engines.Redis.Port}")
            .WithVariable("Penstock__Queue__RabbitMq", $"amqp://127.0.0.1:{engines.Rabbit.Address.Port}").WithVariable("RABBITMQ_USER", "guest").WithVariable("RABBITMQ_PASS", "guest");
    }

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(int.Parse(text.TrimEnd('s'), CultureInfo.InvariantCulture));

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Variable();
}
