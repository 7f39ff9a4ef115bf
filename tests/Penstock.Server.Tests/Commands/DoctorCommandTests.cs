using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary><c>penstock doctor</c></summary>
public sealed class DoctorCommandTests
{
    [Fact]
    public async Task A_server_in_health_is_said_to_be()
    {
        await using var upstream = ScriptedUpstream.Start(call => call.Json(200, """{"data":[]}"""));
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk"));
        var (exit, output, error) = await DoctorAsync(server.Url, Provider(upstream));
        exit.ShouldBe(0, output + error);
        output.ShouldContain("ok    The configuration is sound");
        output.ShouldContain("which can be written");
        output.ShouldContain("ok    The provider up answers, and takes its key.");
        output.ShouldContain($"ok    Answers flow from {server.Url}");
        (upstream.Calls.Last().Method, upstream.Calls.Last().Path).ShouldBe(("GET", "/v1/models"));
        output.ShouldNotContain(PenstockSettings.ApiKey);
    }

    [Fact]
    public async Task What_is_wrong_is_said_with_its_mend()
    {
        await using var upstream = ScriptedUpstream.Start(call => call.Json(401, Chat.Error("bad key")));
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        await using var proxy = new CuttingProxy(server.Url) { BufferBytes = int.MaxValue };
        var (exit, output, _) = await DoctorAsync(proxy.Url,
        [
            .. Provider(upstream),
            "--Penstock:Providers:gone:BaseUrl", $"http://127.0.0.1:{Ports.Free()}/v1",
            "--Penstock:Storage:Kind", "redis", "--Penstock:Storage:Redis", $"127.0.0.1:{Ports.Free()}",
            "--Penstock:Queue:Kind", "rabbitmq", "--Penstock:Queue:RabbitMq", $"amqp://127.0.0.1:{Ports.Free()}",
        ]);
        exit.ShouldBe(1);
        output.ShouldContain("bad   The provider up refuses its key.\n      Set Penstock:Providers:up:ApiKey");
        output.ShouldContain("bad   The provider gone cannot be reached.\n      Mend Penstock:Providers:gone:BaseUrl");
        output.ShouldContain("bad   Redis does not answer.\n      Start it, or mend Penstock:Storage:Redis");
        output.ShouldContain("bad   RabbitMQ does not answer.\n      Start it, or mend Penstock:Queue:RabbitMq");
        output.ShouldMatch($"bad   Something before {proxy.Url} holds answers back.*\n      In nginx: proxy_buffering off");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_wrong_configuration_is_said()
    {
        var (exit, output, _) = await DoctorAsync(null, "--Penstock:Storage:Kind", "paper");
        exit.ShouldBe(1);
        output.ShouldContain("bad   The configuration is wrong.\n      Penstock:Storage:Kind");
    }

    private static string[] Provider(ScriptedUpstream upstream) =>
        ["--Penstock:Providers:up:BaseUrl", upstream.BaseUrl, "--Penstock:Providers:up:ApiKey", PenstockSettings.ApiKey];

    private static Task<(int Exit, string Output, string Error)> DoctorAsync(Uri? server, params string[] arguments) =>
        Cli.RunAsync(server, ["doctor", .. arguments, "--Penstock:Storage:Path", Path.Combine(Path.GetTempPath(), "penstock-doctor")]);
}
