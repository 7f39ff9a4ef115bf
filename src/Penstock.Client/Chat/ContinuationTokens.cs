using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Penstock.Client.Chat;

/// <summary>A continuation token is the id of the last event that was seen, or a generation's where none was.</summary>
internal static class ContinuationTokens
{
    public static ResponseContinuationToken Of(string id) => ResponseContinuationToken.FromBytes(Encoding.UTF8.GetBytes(id));

    public static (string Generation, long After) Read(ResponseContinuationToken token)
    {
        var id = Encoding.UTF8.GetString(token.ToBytes().Span);
        var dot = id.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 && id.StartsWith("gen_", StringComparison.Ordinal)) return (id, -1);
        return dot > 0 && long.TryParse(id.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? (id[..dot], offset)
            : throw new ArgumentException("The continuation token is not one of Penstock's.", nameof(token));
    }
}
