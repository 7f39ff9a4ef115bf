using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace Penstock.AspNetCore.Auth;

/// <summary>
/// A key: <c>pk_</c>, an id that may be shown, and 256 random bits in hex. So much cannot be guessed, so that one SHA-256 keeps
/// it as safe as a slow hash would, which is for passwords.
/// </summary>
internal static class ApiKey
{
    public const string Prefix = "pk_";

    private const int IdLength = 12;
    private const int SecretLength = 64;

    private static readonly SearchValues<char> _hex = SearchValues.Create("0123456789abcdef");

    public static (string Id, string Text) New()
    {
        var id = RandomNumberGenerator.GetHexString(IdLength, lowercase: true);
        return (id, $"{Prefix}{id}_{RandomNumberGenerator.GetHexString(SecretLength, lowercase: true)}");
    }

    /// <summary>The id of a text that has the form of a key.</summary>
    public static bool TryReadId(string text, out string id)
    {
        id = "";
        if (text.Length != Prefix.Length + IdLength + 1 + SecretLength || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length + IdLength] != '_') return false;
        id = text.Substring(Prefix.Length, IdLength);
        return IsId(id) && !text.AsSpan(Prefix.Length + IdLength + 1).ContainsAnyExcept(_hex);
    }

    public static bool IsId(string id) => id.Length == IdLength && !id.AsSpan().ContainsAnyExcept(_hex);

    /// <summary>Whether a text is the hex of a <see cref="Hash"/>.</summary>
    public static bool IsHash(string text) => text.Length == 2 * SHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigit);

    public static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
