using System.Text.Json.Nodes;
using Penstock.Testing;
using Penstock.Testing.Wires;

namespace Penstock.Server.Tests.Clients.Sdks;

/// <summary>
/// The official SDKs from npm, unmodified, base URL apart. Each program in <c>tests/node/sdks</c> runs all its scenarios in one
/// process against one provider, and prints a line for each that went well and for each that did not.
/// </summary>
public sealed class NodeSdkTests(SdkServer server) : IClassFixture<SdkServer>
{
    private static readonly string _expected = new JsonObject
    {
        ["text"] = string.Concat(SdkServer.Text),
        ["tokens"] = SdkServer.Text.Count,
        ["reasoning"] = string.Concat(SdkServer.Reasoning),
        ["reasoningTokens"] = SdkServer.Reasoning.Count,
        ["weatherArguments"] = JsonNode.Parse(SdkServer.WeatherArguments),
        ["json"] = JsonNode.Parse(SdkServer.Json),
        ["signature"] = SdkServer.Signature,
    }.ToJsonString();

    public static TheoryData<string, string> All()
    {
        var data = new TheoryData<string, string>();
        string[] sdks = ["openai-chat", "openai-responses", "anthropic", "google-genai", "groq", "ai-openai", "ai-anthropic", "ai-google", "ai-openai-compatible", "langchain", "ollama", "ui-chat", "ag-ui"];
        foreach (var sdk in sdks)
        {
            foreach (var wire in Wire.All) data.Add(sdk, wire.Protocol);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task An_official_sdk_believes_that_it_talks_to_its_own_service(string sdk, string provider)
    {
        var (exit, output, error) = await Command.RunAsync("node", [$"{sdk}.mjs", server.Server.Url.ToString(), provider, _expected], Folder);
        TestContext.Current.TestOutputHelper!.WriteLine(output);
        exit.ShouldBe(0, $"{output}\n{error}");
        output.ShouldContain("ok abort");
        await server.CancelledAsync(provider, "endless");
    }

    private static string Folder => Path.Combine(Repository.Root, "tests", "node", "sdks");
}
