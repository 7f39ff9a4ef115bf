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
    public async Task A_wrong_setting_is_named_with_its_mend()
    {
        var (code, _, error) = await StartAsync("--Penstock:Storage:Kind=tape");
        code.ShouldBe(1);
        error.ShouldContain("Penstock:Storage:Kind is 'tape'; set it to one of disk, memory, redis.");
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
