using Penstock.Testing;

namespace Penstock.Server.Tests;

/// <summary>What keeps the server from starting is said in a sentence, not in a stack trace.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task A_data_folder_that_another_server_has_is_named()
    {
        await using var first = await PenstockProcess.StartAsync(new PenstockSettings());
        var (code, _, error) = await StartAsync($"--Penstock:Storage:Path={first.DataFolder}");
        code.ShouldBe(1);
        error.ShouldContain("Penstock cannot start: ");
        error.ShouldContain(first.DataFolder);
        error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task An_address_that_somebody_else_has_is_named_with_what_to_do()
    {
        await using var first = await PenstockProcess.StartAsync(new PenstockSettings());
        var (code, output, error) = await StartAsync("--Penstock:Storage:Kind=memory", $"--urls={first.Url}");
        code.ShouldBe(1);
        error.ShouldContain("address already in use. Stop what listens there, or listen elsewhere: --urls");
        (output + error).ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("--urls=18441", "Listen on an address such as http://localhost:8000.")]
    [InlineData("--Penstock:Storge:Kind=memory", "did you mean Penstock:Storage?")]
    [InlineData("--Penstock:Storage:Retention=24h", "Penstock:Storage:Retention is '24h'; write hours:minutes:seconds")]
    [InlineData("--Penstock:Mcp:Servers:files:Timeout=30s", "Penstock:Mcp:Servers:files:Timeout is '30s'; write hours:minutes:seconds")]
    public async Task What_cannot_be_read_is_named_with_its_mend(string setting, string sentence)
    {
        var (code, output, error) = await StartAsync("--Penstock:Storage:Kind=memory", setting);
        code.ShouldBe(1);
        error.ShouldContain(sentence);
        (output + error).ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_broken_settings_file_is_named_with_its_place()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-start-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "appsettings.json"), """{ "Penstock": { """);
            foreach (var command in (string[])["serve", "doctor"])
            {
                var (code, output, error) = await Command.RunAsync("dotnet", [PenstockProcess.ServerDll(), command], folder);
                code.ShouldBe(1);
                error.ShouldMatch(@"appsettings\.json.*LineNumber");
                (output + error).ShouldNotContain("   at ");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_wrong_setting_is_named_with_its_mend()
    {
        var (code, _, error) = await StartAsync("--Penstock:Storage:Kind=tape");
        code.ShouldBe(1);
        error.ShouldContain("Penstock:Storage:Kind is 'tape'; set it to one of disk, memory, redis.");
        error.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("--urls=http://0.0.0.0:FREE")]
    [InlineData("--urls=http://[::]:FREE")]
    [InlineData("--urls=http://*:FREE")]
    [InlineData("--urls=http://127.0.0.1:0;http://+:FREE")]
    [InlineData("--Kestrel:Endpoints:Any:Url=http://0.0.0.0:FREE")]
    [InlineData("--http_ports=FREE")]
    [InlineData("ASPNETCORE_URLS=http://0.0.0.0:FREE")]
    [InlineData("ASPNETCORE_HTTP_PORTS=FREE")]
    public async Task Beyond_loopback_it_starts_only_if_something_says_who_may_call(string listen)
    {
        listen = listen.Replace("FREE", $"{Ports.Free()}", StringComparison.Ordinal);
        var isOption = listen.StartsWith("--", StringComparison.Ordinal);
        string[] arguments = [PenstockProcess.ServerDll(), "--Penstock:Storage:Kind=memory", "--Penstock:Storage:Path=nowhere"];
        (string, string)[] environment = isOption ? [] : [(listen.Split('=')[0], listen.Split('=')[1])];
        var (code, _, error) = await Command.RunAsync("dotnet", isOption ? [.. arguments, listen] : arguments, Path.GetTempPath(), environment);
        code.ShouldBe(1);
        error.ShouldContain("beyond loopback");
        error.ShouldContain("Penstock:Auth:Open");
        error.ShouldNotContain("   at ");
    }

    [Theory]
    [InlineData("Auth:Open", "true")]
    [InlineData("Auth:Keys:0123456789ab:Hash", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    public async Task Beyond_loopback_it_starts_if_that_is_meant(string key, string value)
    {
        var port = Ports.Free();
        var settings = new PenstockSettings { ["Storage:Kind"] = "memory", [key] = value };
        await using var server = await PenstockProcess.StartAsync(settings, port, $"http://0.0.0.0:{port}");
        using var reply = await RawReply.SendAsync(server.Api.Get("v1/models"));
        reply.Status.ShouldBe(key == "Auth:Open" ? 200 : 401);
        if (key == "Auth:Open") server.Log.ShouldContain("Anybody who reaches this server may use it");
    }

    [Fact]
    public async Task The_frameworks_own_settings_are_taken_and_a_misspelt_one_is_not()
    {
        string[] own = ["--detailedErrors=true", "--captureStartupErrors", "false", "--preferHostingUrls=false", "--suppressStatusMessages=true", "--shutdownTimeoutSeconds=5"];
        (await StartAsync([.. own, "--Penstock:Storage:Kind=tape"])).Error.ShouldContain("Penstock:Storage:Kind is 'tape'");
        var (code, _, error) = await StartAsync([.. own, "--detailedError=true"]);
        code.ShouldBe(2, error);
        error.ShouldContain("'--detailedError=true' is no setting");
    }

    [Fact]
    public async Task A_queue_between_nodes_needs_a_store_between_nodes()
    {
        var (code, _, error) = await StartAsync("--Penstock:Storage:Kind=memory", "--Penstock:Queue:Kind=rabbitmq");
        code.ShouldBe(1);
        error.ShouldContain("Penstock:Storage:Kind is 'memory', which other nodes cannot read; with Penstock:Queue:Kind rabbitmq set it to redis.");
        error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Help_says_how_to_begin()
    {
        var (code, output, _) = await StartAsync("--help");
        code.ShouldBe(0);
        output.ShouldContain("curl -N http://localhost:8000/v1/chat/completions");
    }

    private static Task<(int ExitCode, string Output, string Error)> StartAsync(params string[] arguments) =>
        Command.RunAsync("dotnet", [PenstockProcess.ServerDll(), "--urls", $"http://127.0.0.1:{Ports.Free()}", .. arguments], Path.GetTempPath());
}
