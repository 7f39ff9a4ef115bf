using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary><c>penstock chat</c> when its server goes away.</summary>
public sealed class ChatThroughFailureTests
{
    [Fact]
    public async Task It_goes_on_after_its_server_was_killed_and_started_again()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings().With("Generations:OnCrash", "continue"));
        await using var chat = Cli.Start(server.Url, "chat", "-m", "simulated/chat?tokens=60&tps=20&ttft=0", "Tell me about rivers.");
        chat.EndInput();
        await Eventually.Is(() => chat.Output.Length > 20, "it has begun");
        await server.Kill9();
        await chat.SaysAsync("The connection was lost; trying again.");
        await server.StartAsync();
        (await chat.ExitAsync()).ShouldBe(0, chat.Error);
        var (_, list) = await Api.SendAsync(server.Api.Get("v1/generations"));
        chat.Output.ShouldBe((string)list!["data"]![0]!["text"]! + "\n");
    }

    [Fact]
    public async Task A_server_that_stays_away_is_given_up_with_a_word_on_how_to_go_on()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings().With("Generations:OnCrash", "continue"));
        await using var chat = Cli.Start(server.Url, "chat", "--patience", "1", "-m", "simulated/chat?tokens=60&tps=20&ttft=0", "Tell me about rivers.");
        chat.EndInput();
        await Eventually.Is(() => chat.Output.Length > 20, "it has begun");
        await server.Kill9();
        (await chat.ExitAsync()).ShouldBe(1);
        var command = chat.Error[chat.Error.IndexOf("penstock attach ", StringComparison.Ordinal)..].TrimEnd().Split(' ');
        await server.StartAsync();
        var (exit, rest, error) = await Cli.RunAsync(server.Url, command[1..]);
        exit.ShouldBe(0, error);
        var whole = (string)(await server.Api.SnapshotAsync(command[2].Split('.')[0]))["text"]!;
        (chat.Output.TrimEnd('\n') + rest).Replace("\n", "", StringComparison.Ordinal).ShouldBe(whole.Replace("\n", "", StringComparison.Ordinal));
    }
}
