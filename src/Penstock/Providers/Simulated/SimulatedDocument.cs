using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Penstock.Providers.Simulated;

/// <summary>Gathers an answer's steps and writes them as the one document of a Chat Completions reply that is no stream.</summary>
internal sealed class SimulatedDocument(SimulatedRequest request, long created)
{
    private readonly Choice[] _choices = [.. Enumerable.Range(0, request.Choices).Select(_ => new Choice())];

    public void Add(in SimulatedStep step)
    {
        var choice = _choices[step.Choice];
        switch (step.Part)
        {
            case SimulatedPart.Reasoning: choice.Reasoning.Append(step.Text); break;
            case SimulatedPart.Text: choice.Text.Append(step.Text); break;
            case SimulatedPart.CallStart: choice.Calls.Add((step.Text.ToString(), new StringBuilder())); break;
            case SimulatedPart.CallArguments: choice.Calls[step.Call].Arguments.Append(step.Text); break;
            case SimulatedPart.Finish: choice.Finish = step.Text.ToString(); break;
        }
    }

    public void Write(IBufferWriter<byte> output, SimulatedUsage usage)
    {
        using var json = new Utf8JsonWriter(output, SimulatedChunks.JsonOptions);
        json.WriteStartObject();
        json.WriteString("id"u8, $"chatcmpl-{Guid.NewGuid():N}");
        json.WriteString("object"u8, "chat.completion"u8);
        json.WriteNumber("created"u8, created);
        json.WriteString("model"u8, request.Model.Name);
        json.WriteStartArray("choices"u8);
        for (var i = 0; i < _choices.Length; i++) WriteChoice(json, i, _choices[i]);
        json.WriteEndArray();
        if (!request.Model.NoUsage) SimulatedChunks.WriteUsage(json, usage);
        json.WriteEndObject();
    }

    private static void WriteChoice(Utf8JsonWriter json, int index, Choice choice)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, index);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant"u8);
        if (choice.Calls.Count > 0 && choice.Text.Length == 0) json.WriteNull("content"u8);
        else json.WriteString("content"u8, choice.Text.ToString());
        if (choice.Reasoning.Length > 0) json.WriteString("reasoning_content"u8, choice.Reasoning.ToString());
        if (choice.Calls.Count > 0) WriteCalls(json, index, choice);
        json.WriteEndObject();
        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, choice.Finish);
        json.WriteEndObject();
    }

    private static void WriteCalls(Utf8JsonWriter json, int index, Choice choice)
    {
        json.WriteStartArray("tool_calls"u8);
        for (var call = 0; call < choice.Calls.Count; call++)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, SimulatedChunks.CallId(index, call));
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, choice.Calls[call].Name);
            json.WriteString("arguments"u8, choice.Calls[call].Arguments.ToString());
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private sealed class Choice
    {
        public StringBuilder Reasoning { get; } = new();

        public StringBuilder Text { get; } = new();

        public List<(string Name, StringBuilder Arguments)> Calls { get; } = [];

        public string? Finish { get; set; }
    }
}
