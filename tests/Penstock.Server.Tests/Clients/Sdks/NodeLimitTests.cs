using Penstock.Testing;

namespace Penstock.Server.Tests.Clients.Sdks;

public sealed class NodeLimitTests
{
    [Fact]
    public async Task An_official_sdk_knows_a_limit_when_it_meets_one_and_waits_as_long_as_it_is_told()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.Script(Tokens.Of("quick", 5)))
            .ReplyTo("slow", Tokens.Script(Tokens.Of("slow", 30), TimeSpan.FromMilliseconds(20)));
        await using var server = await PenstockProcess.StartAsync(
            PenstockSettings.For(upstream).With("Limits:PerOwner:Streams", "1").With("Limits:PerOwner:RequestsPerMinute", "1000"));
        var (exit, output, error) = await Command.RunAsync("node", ["limits.mjs", server.Url.ToString()], Path.Combine(Repository.Root, "tests", "node", "sdks"));
        exit.ShouldBe(0, $"{output}\n{error}");
        output.ShouldContain("ok openai");
        output.ShouldContain("ok anthropic");
    }
}
