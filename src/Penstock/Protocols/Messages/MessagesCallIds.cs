namespace Penstock.Protocols.Messages;

/// <summary>
/// Ids of tool calls as the API takes them: of letters, digits, <c>_</c> and <c>-</c>, and one for every call. Calls of a
/// protocol that has none are matched with their results by name, in order.
/// </summary>
internal sealed class MessagesCallIds
{
    private readonly List<(string Name, string Id)> _unanswered = [];
    private int _made;

    public string OfCall(ToolCallPart call)
    {
        if (call.Id.Length > 0) return Clean(call.Id);
        var id = $"toolu_{++_made}";
        _unanswered.Add((call.Name, id));
        return id;
    }

    public string OfResult(ToolResultPart result)
    {
        if (result.Id.Length > 0) return Clean(result.Id);
        var call = _unanswered.FindIndex(c => result.Name is null || c.Name == result.Name);
        if (call < 0) return $"toolu_{++_made}"; // a result of nothing, which the API will refuse
        var id = _unanswered[call].Id;
        _unanswered.RemoveAt(call);
        return id;
    }

    private static string Clean(string id) =>
        string.Create(id.Length, id, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] is '_' or '-' ? source[i] : '_';
        });
}
