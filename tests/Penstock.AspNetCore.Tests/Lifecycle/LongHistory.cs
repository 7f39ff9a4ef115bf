using System.Text.Json.Nodes;
using Penstock.Testing;
using Penstock.Testing.Wires;

namespace Penstock.AspNetCore.Tests.Lifecycle;

/// <summary>Conversations that are longer than a model can read, in the words of each client.</summary>
internal static class LongHistory
{
    /// <summary>A hundred tokens.</summary>
    public static readonly string Words = string.Concat(Enumerable.Repeat("word ", 80));

    /// <summary>Each client with each provider.</summary>
    public static TheoryData<string, string> Pairs()
    {
        var data = new TheoryData<string, string>();
        foreach (var client in (string[])["chat-completions", "responses", "messages", "gemini", "native"])
        {
            foreach (var provider in Wire.All) data.Add(client, provider.Protocol);
        }

        return data;
    }

    /// <summary>A history of so many exchanges of two hundred tokens each, an instruction before it and a question after it.</summary>
    public static (string Path, JsonObject Body) Of(string client, int turns, int maxTokens)
    {
        var said = new JsonArray();
        for (var turn = 0; turn < turns; turn++)
        {
            said.Add(Message(client, "user", $"Question {turn} {Words}"));
            said.Add(Message(client, "assistant", $"Answer {turn} {Words}"));
        }

        said.Add(Message(client, "user", $"Question {turns}"));
        switch (client)
        {
            case "responses":
                return ("v1/responses", new JsonObject { ["model"] = "up/m", ["instructions"] = "Be brief.", ["input"] = said });
            case "messages":
                return ("v1/messages", new JsonObject { ["model"] = "up/m", ["max_tokens"] = maxTokens, ["system"] = "Be brief.", ["messages"] = said });
            case "gemini":
                return ("v1beta/models/up/m:generateContent", new JsonObject { ["systemInstruction"] = JsonNode.Parse("""{"parts":[{"text":"Be brief."}]}"""), ["contents"] = said });
            default:
                said.Insert(0, Message(client, "system", "Be brief."));
                return (client == "native" ? "v1/generations" : "v1/chat/completions", new JsonObject { ["model"] = "up/m", ["messages"] = said });
        }
    }

    /// <summary>Whether a provider is asked to count, and not to answer.</summary>
    public static bool IsCount(UpstreamCall call) => call.Path.Contains("count", StringComparison.OrdinalIgnoreCase) || call.Path.EndsWith("/input_tokens", StringComparison.Ordinal);

    private static JsonObject Message(string client, string role, string text) => client == "gemini"
        ? new JsonObject { ["role"] = role == "user" ? "user" : "model", ["parts"] = new JsonArray(new JsonObject { ["text"] = text }) }
        : new JsonObject { ["role"] = role, ["content"] = text };
}
