using System.Text;
using Penstock.Testing;
using Penstock.Testing.Wires;

namespace Penstock.Tests.Fuzz;

/// <summary>What inputs are made from: requests and answers of each protocol as its clients and providers write them.</summary>
internal static class Corpus
{
    private static readonly WireAnswer[] _answers =
    [
        new() { Text = ["Hel", "lo 好", " \"q\" 😀\n"] },
        new() { Reasoning = ["Let me ", "think."], Signature = "c2ln", Text = ["So."] },
        new() { Text = ["One"], Calls = [new("call_1", "look", "{\"city\":\"Bern\",\"n\":[1,2]}"), new("call_2", "wait")] },
        new() { Text = ["Too "], IsTooLong = true },
        new() { Text = ["Cut"], IsCut = true },
        new() { Reasoning = ["Hm."], Calls = [new("call_3", "f", "{}")] },
    ];

    public static IReadOnlyList<JsonSeed> Requests(string protocol) => [.. _requests[protocol].Select(json => new JsonSeed(json))];

    /// <summary>The answers of a provider as the frames of their streams: an event's name, and its payload.</summary>
    public static IReadOnlyList<IReadOnlyList<(byte[] Name, JsonSeed Payload)>> Streams(string protocol)
    {
        var wire = Wire.All.Single(w => w.Protocol == protocol);
        var streams = _answers.Select(answer => Frames(string.Concat(wire.Frames(answer)))).ToList();
        streams.Add(Frames(wire.Frames(_answers[0]).First() + wire.ErrorFrame("SECRET")));
        if (protocol == "chat-completions")
        {
            streams.Add([
                ([], new JsonSeed(Chat.Role())),
                ([], new JsonSeed("""{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":1,"delta":{"role":"assistant","content":"a","refusal":null,"annotations":[{"type":"url_citation","url_citation":{"url":"https://a.example","title":"t","start_index":0,"end_index":1}}]},"logprobs":{"content":[{"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[]}]},"finish_reason":null}]}""")),
                ([], new JsonSeed("""{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"b"}],"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}],"reasoning_details":[{"type":"reasoning.encrypted","data":"e"}],"refusal":"no"},"finish_reason":"stop"},{"index":1,"delta":{},"finish_reason":"length"}],"usage":{"prompt_tokens":0,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":1}}}""")),
            ]);
        }

        return streams;
    }

    /// <summary>The answers of a provider as one document each.</summary>
    public static IReadOnlyList<JsonSeed> Documents(string protocol)
    {
        var wire = Wire.All.Single(w => w.Protocol == protocol);
        return [.. _answers.Select(answer => new JsonSeed(wire.Document(answer).ToJsonString())), new JsonSeed(wire.Error(500, "SECRET").ToJsonString())];
    }

    private static List<(byte[] Name, JsonSeed Payload)> Frames(string text) =>
        [.. new SseEvents().Feed(Encoding.UTF8.GetBytes(text)).Where(e => e.Data.StartsWith('{')).Select(e => (e.Name == "message" ? [] : Encoding.UTF8.GetBytes(e.Name), new JsonSeed(e.Data)))];

    private static readonly Dictionary<string, string[]> _requests = new()
    {
        ["chat-completions"] =
        [
            """{"model":"up/m","stream":true,"stream_options":{"include_usage":true,"x":1},"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"What? 好"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,BB=="}},{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]},{"role":"assistant","content":"Let me look.","reasoning_content":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s"}],"tool_calls":[{"id":"a","type":"function","function":{"name":"look","arguments":"{\"city\":\"Bern\"}"},"extra_content":{"google":{"thought_signature":"s"}}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":"So?"}],"tools":[{"type":"function","function":{"name":"look","description":"d","parameters":{"type":"object","properties":{"city":{"type":"string","enum":["a","b"]}},"required":["city"]},"strict":true}}],"tool_choice":{"type":"function","function":{"name":"look"}},"parallel_tool_calls":false,"temperature":0.5,"top_p":0.9,"max_completion_tokens":9,"stop":["x","y"],"n":2,"seed":7,"logprobs":true,"top_logprobs":2,"user":"u","reasoning_effort":"low","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false},"strict":true}},"metadata":{"a":"b"}}""",
            """{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":5,"stop":"x","response_format":{"type":"json_object"},"functions":[],"frequency_penalty":0.1,"logit_bias":{"1":2}}""",
        ],
        ["responses"] =
        [
            """{"model":"up/m","stream":true,"instructions":"Be brief.","input":[{"role":"developer","content":"Be kind."},{"role":"user","content":[{"type":"input_text","text":"What?"},{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"low"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,BB=="}]},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":"e"},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Let me look.","annotations":[]},{"type":"refusal","refusal":"No."}]},{"type":"function_call","call_id":"a","name":"look","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"2"}]},{"role":"user","content":"So?"}],"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"web_search"}],"tool_choice":{"type":"function","name":"f"},"max_output_tokens":9,"temperature":0.5,"parallel_tool_calls":false,"metadata":{"a":"b"},"reasoning":{"effort":"low","summary":"auto"},"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"low"},"include":["reasoning.encrypted_content"],"truncation":"auto","store":false,"background":false}""",
            """{"model":"m","input":"Hi","previous_response_id":"resp_0123456789abcdef0123456789abcdef","max_tool_calls":3}""",
        ],
        ["messages"] =
        [
            """{"model":"up/m","max_tokens":100,"stream":true,"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"What?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"document","source":{"type":"url","url":"https://a.example/b.pdf"},"title":"t"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"Let me look.","citations":[]},{"type":"tool_use","id":"toolu_1","name":"look","input":{"city":"Bern"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,"content":[{"type":"text","text":"1"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},{"type":"text","text":"So?"}]}],"tools":[{"name":"look","description":"d","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}},{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"tool","name":"look","disable_parallel_tool_use":true},"temperature":0.5,"top_p":0.9,"top_k":5,"stop_sequences":["x"],"thinking":{"type":"enabled","budget_tokens":1024},"metadata":{"user_id":"u"},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}""",
            """{"model":"m","max_tokens":5,"system":"Be brief.","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"The"}]}""",
        ],
        ["gemini"] =
        [
            """{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"What?"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"fileData":{"mimeType":"application/pdf","fileUri":"https://a.example/b.pdf"}}]},{"role":"model","parts":[{"text":"hm","thought":true},{"text":"Let me look.","thoughtSignature":"c2ln"},{"functionCall":{"id":"1","name":"look","args":{"city":"Bern"}},"thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"functionResponse":{"id":"1","name":"look","response":{"result":1}}},{"text":"So?"}]}],"tools":[{"functionDeclarations":[{"name":"look","description":"d","parameters":{"type":"OBJECT","properties":{"city":{"type":"STRING","nullable":true,"enum":["a"]}},"required":["city"]}}]},{"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["look"]}},"generationConfig":{"temperature":0.5,"topP":0.9,"topK":5,"maxOutputTokens":9,"candidateCount":1,"stopSequences":["x"],"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"INTEGER","format":"int32"}}},"thinkingConfig":{"thinkingBudget":1024,"includeThoughts":true},"seed":7},"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]}""",
            """{"system_instruction":{"parts":{"text":"Be brief."}},"contents":{"parts":[{"text":"Hi"}]},"generation_config":{"max_output_tokens":5}}""",
        ],
        ["native"] =
        [
            """{"model":"up/m","prompt":"Say 好.","stream":true,"onDisconnect":"grace 5","background":false,"temperature":0.5,"max_tokens":9,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}""",
            """{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"Hi"}],"n":1}""",
        ],
        ["text-query"] = ["""{"prompt":"Hi 好","model":"up/m"}"""],
        ["text-ask"] = ["""{"query":"Hi","uuid":"job-1.2_3","model":"m","stream":true}"""],
    };
}
