using System.Text.Json;

namespace Penstock.Protocols.Responses;

/// <summary>
/// Calls of the server's tools that the client is asked to allow (<c>mcp_approval_request</c>, which ended an earlier response), and
/// its word on them (<c>mcp_approval_response</c>). Requests of a provider's own are left to the provider.
/// </summary>
internal sealed class ResponsesApprovals
{
    private const string Request = "mcp_approval_request";
    private const string Response = "mcp_approval_response";

    private readonly Dictionary<string, JsonElement> _asked = new(StringComparer.Ordinal);
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);
    private readonly List<(string Id, bool Approve, string? Reason, string Path)> _said = [];

    /// <summary>The conversation has such a request of ours.</summary>
    public bool Asks => _asked.Count > 0;

    /// <summary>The id that an approval's item has or names, if it is one of ours; null for any other item.</summary>
    public static string? IdOf(JsonElement item)
    {
        var id = JsonParts.String(item, "type"u8) switch
        {
            Request => JsonParts.String(item, "id"u8),
            Response => JsonParts.String(item, "approval_request_id"u8),
            _ => null,
        };
        return id is not null && ResponsesReferences.IsOurs(id) ? id : null;
    }

    /// <summary>Whether a body's input has such items, which no provider may see. The body may be anything.</summary>
    public static bool AreIn(ReadOnlyMemory<byte> body)
    {
        if (!RequestJson.MayHave(body, "mcp_approval_"u8)) return false;
        using var document = RequestJson.Parse(body, ResponsesRequestReader.Example);
        return JsonParts.Objects(document.RootElement, "input").Any(i => IdOf(i) is not null);
    }

    /// <summary>Takes an item of the conversation.</summary>
    /// <returns>False where it is none of these.</returns>
    public bool Take(JsonElement item, string type, string path)
    {
        if (type == "mcp_call" && JsonParts.String(item, "approval_request_id"u8) is { } allowed) _done.Add(allowed);
        if (IdOf(item) is not { } id) return false;
        if (type == Request)
        {
            _asked[id] = item;
            return true;
        }

        var approve = RequestJson.Boolean(item, "approve", $"{path}.approve")
            ?? throw RequestJson.Error("missing_required_parameter", $"{path}.approve", $"'{path}.approve' is missing: say true to allow the call, or false.");
        _said.Add((id, approve, RequestJson.String(item, "reason", $"{path}.reason"), path));
        return true;
    }

    /// <summary>What is decided now: what no answer in the conversation has carried out yet.</summary>
    /// <exception cref="RequestException">It answers what nobody asked, or what several responses did.</exception>
    public IReadOnlyList<CallDecision> Read()
    {
        var decided = new List<CallDecision>();
        foreach (var (id, approve, reason, path) in _said)
        {
            if (_done.Contains(id) || decided.Exists(d => d.Id == id)) continue;
            if (!_asked.TryGetValue(id, out var call))
            {
                throw RequestJson.Error(
                    "approval_request_not_found", $"{path}.approval_request_id",
                    $"'{path}.approval_request_id' is '{id}', which this conversation does not ask: send the id of the response that asks as 'previous_response_id', as long as it is stored.");
            }

            var answer = ResponsesReferences.ResponseOf(id);
            if (decided is [var first, ..] && first.Answer != answer)
                throw RequestJson.Error("invalid_value", path, $"'{path}' answers another response than '{first.Path}' does: answer each in a request of its own.");
            decided.Add(new CallDecision(answer, id, Text(call, "server_label"u8), Text(call, "name"u8), Text(call, "arguments"u8), approve, path) { Reason = reason });
        }

        return decided;
    }

    private static string Text(JsonElement call, ReadOnlySpan<byte> name) => JsonParts.String(call, name) ?? "";
}
