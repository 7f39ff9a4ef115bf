namespace Penstock.Protocols;

/// <summary>The ids that protocols make of a generation's: a prefix of their own and the same digits.</summary>
internal static class ProtocolId
{
    /// <param name="prefix">E.g. <c>chatcmpl-</c>.</param>
    /// <param name="generationId"><c>gen_…</c></param>
    public static string Of(string prefix, string generationId) => string.Concat(prefix, generationId.AsSpan(generationId.IndexOf('_') + 1));
}
