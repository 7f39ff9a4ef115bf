using Penstock.Client.Tests.Samples;
using Penstock.Testing;

namespace Penstock.Client.Tests.Docs;

/// <summary>README's scripts get the whole answer, with the SDKs as they come from npm.</summary>
public sealed class ReadmeScriptTests(SamplesServer server) : IClassFixture<SamplesServer>
{
    public static TheoryData<string> Scripts => [.. Page.Of("README.md").Snippets.Where(s => s.Language == "js").Select(s => s.Code)];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task A_script_gets_the_whole_answer(string code)
    {
        var script = code.Replace("http://localhost:8000", server.Address, StringComparison.Ordinal).Replace("'simulated/chat'", $"'{SamplesServer.Model}'", StringComparison.Ordinal);
        var (exitCode, output, error) = await Command.RunAsync("node", ["--input-type=module", "-e", $$"""
            import { EventSource } from 'eventsource';
            const document = { body: { append: text => process.stdout.write(text) } };
            {{script}}
            """], Path.Combine(Repository.Root, "tests", "node"));
        exitCode.ShouldBe(0, error);
        output.TrimEnd().ShouldBe(server.Text);
    }
}
