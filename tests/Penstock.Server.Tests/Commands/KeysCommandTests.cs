using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary><c>penstock keys</c>, as an operator types it beside a running server.</summary>
public sealed class KeysCommandTests
{
    [Fact]
    public async Task Keys_are_made_listed_used_and_revoked_while_the_server_runs()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings().With("Limits:Prices:0:Model", "*").With("Limits:Prices:0:Output", "1"));
        var data = server.DataFolder;
        var key = (await RunAsync("keys", "create", "--owner", "alice", "--model", "simulated/*", "--endpoint", "chat-completions", "--endpoint", "streams", "--priority", "low", "--cache", "90s", "--rpm", "60", "--budget-day", "2.5", "--expires", "30d", "--data", data)).TrimEnd();
        key.ShouldMatch("^pk_[0-9a-f]{12}_[0-9a-f]{64}$");
        var admin = (await RunAsync("keys", "create", "--admin", "--data", data)).TrimEnd();
        var id = key.Split('_')[1];
        var list = (await RunAsync("keys", "ls", "--data", data)).Split('\n');
        list[0].ShouldMatch("^ID +OWNER +STATE +MODELS +ENDPOINTS +PRIORITY +CACHE +LIMITS +CREATED +EXPIRES$");
        list[1].ShouldMatch($@"^{id} +alice +live +simulated/\* +chat-completions,streams +low +00:01:30 +rpm 60, budget-day 2\.5 +\d{{4}}-.*Z +\d{{4}}-.*Z$");
        list[2].ShouldMatch(@"\(admin\) +live +all +all +normal ");
        (await File.ReadAllTextAsync(Path.Combine(data, "keys.json"))).ShouldNotContain(key.Split('_')[2]);

        async Task<int> StatusAsync(string path, string? shown) => (int)(await Api.SendAsync(server.Api.Get(path).With("x-api-key", shown ?? ""))).Status;
        await Eventually.Is(async () => await StatusAsync("v1/models", null) == 401 && await StatusAsync("v1/models", key) == 200, "the server takes the keys");
        (await StatusAsync("v1/generations", key)).ShouldBe(403);
        using (var health = await RawReply.SendAsync(server.Api.Get("healthz"))) health.Status.ShouldBe(200);

        // The operator's commands show a key too.
        var url = server.Url.ToString();
        (await Api.SendAsync(server.Api.Chat("simulated/chat?tps=0&ttft=0", "Hi", stream: false).With("x-api-key", key))).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        (await FailAsync(4, "streams", "ls", "--server", url)).ShouldContain("Who are you?");
        (await RunAsync("streams", "ls", "--server", url, "--key", key)).ShouldContain("generations/gen_");
        (await RunAsync("streams", "ls", "--server", url, "--key", admin)).ShouldMatch("generations/gen_.* alice\n");

        (await RunAsync("keys", "revoke", id, "--data", data)).ShouldBe($"{id} is revoked.\n");
        await Eventually.Is(async () => await StatusAsync("v1/models", key) == 401, "the server refuses the revoked key");
        (await RunAsync("keys", "ls", "--data", data)).ShouldMatch($"{id} +alice +revoked ");
        (await FailAsync(3, "keys", "revoke", "0123456789ab", "--data", data)).ShouldContain("There is no key '0123456789ab'");
        server.Log.ShouldNotContain(key.Split('_')[2]);

        // And asks for keys still after a restart, with those that are left.
        await server.Kill9();
        await server.StartAsync();
        (await StatusAsync("v1/models", null)).ShouldBe(401);
        (await StatusAsync("v1/models", key)).ShouldBe(401);
        (await StatusAsync("v1/models", admin)).ShouldBe(200);
    }

    [Fact]
    public async Task A_key_for_the_configuration_is_printed_and_kept_nowhere()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        var lines = (await RunAsync("keys", "create", "--config", "--owner", "alice", "--model", "a/*", "--model", "b", "--priority", "high", "--cache", "1h", "--tpm", "5000", "--data", folder)).TrimEnd().Split('\n');
        Directory.GetFiles(folder).ShouldBeEmpty();
        lines.Length.ShouldBe(8);
        lines.ShouldContain(line => line.EndsWith("CacheMaxAge=01:00:00", StringComparison.Ordinal));
        lines.ShouldContain(line => line.EndsWith("Limits__TokensPerMinute=5000", StringComparison.Ordinal));
        lines[..^1].ShouldAllBe(line => line.StartsWith("Penstock__Auth__Keys__", StringComparison.Ordinal));
        var settings = new PenstockSettings { ["Storage:Kind"] = "memory", ["Storage:Path"] = folder };
        foreach (var line in lines[..^1]) settings[line.Split('=')[0]["Penstock__".Length..].Replace("__", ":", StringComparison.Ordinal)] = line.Split('=')[1];
        await using var server = await PenstockProcess.StartAsync(settings);
        (await Api.SendAsync(server.Api.Get("v1/models").With("x-api-key", lines[^1]))).Status.ShouldBe(System.Net.HttpStatusCode.OK);
        (await Api.SendAsync(server.Api.Get("v1/models"))).Status.ShouldBe(System.Net.HttpStatusCode.Unauthorized);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("keys")]
    [InlineData("keys", "create", "--endpoint", "nothing")]
    [InlineData("keys", "create", "--expires", "soon")]
    [InlineData("keys", "create", "--expires", "")]
    [InlineData("keys", "create", "--expires", "2000000000d")]
    [InlineData("keys", "create", "--cache", "2000000000d")]
    [InlineData("keys", "create", "--owner", " ")]
    [InlineData("keys", "create", "--priority", "highest")]
    [InlineData("keys", "create", "--cache", "long")]
    [InlineData("keys", "create", "alice")]
    [InlineData("keys", "create", "--owner")]
    [InlineData("keys", "revoke")]
    [InlineData("keys", "sing")]
    public async Task What_is_not_understood_is_said(params string[] arguments) => (await FailAsync(2, arguments)).ShouldContain("Try: penstock keys");

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var (exit, output, error) = await PenstockAsync(arguments);
        exit.ShouldBe(0, error);
        return output;
    }

    private static async Task<string> FailAsync(int code, params string[] arguments)
    {
        var (exit, output, error) = await PenstockAsync(arguments);
        exit.ShouldBe(code, output);
        return error;
    }

    private static Task<(int Exit, string Output, string Error)> PenstockAsync(params string[] arguments) =>
        Command.RunAsync("dotnet", [PenstockProcess.ServerDll(), .. arguments], Path.GetTempPath());
}
