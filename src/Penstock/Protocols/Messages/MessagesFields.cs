using System.Text.Json;

namespace Penstock.Protocols.Messages;

/// <summary>Members of inner objects that only this protocol has words for; none of them changes what is answered.</summary>
internal static class MessagesFields
{
    /// <summary>Notes the members of an object that are not among the known.</summary>
    public static void TakeOwn(JsonElement parent, string path, List<OwnField> ownFields, params ReadOnlySpan<string> known)
    {
        foreach (var member in parent.EnumerateObject())
        {
            var name = RequestJson.Name(member);
            if (member.Value.ValueKind != JsonValueKind.Null && !known.Contains(name)) ownFields.Add(new OwnField($"{path}.{name}", ChangesAnswer: false));
        }
    }
}
