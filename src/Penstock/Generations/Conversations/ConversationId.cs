using System.Buffers;
using System.Security.Cryptography;

namespace Penstock.Generations.Conversations;

/// <summary>A conversation's name, <c>conv_</c> and 128 random bits in hex, and where its log is.</summary>
internal static class ConversationId
{
    public const string PathPrefix = "conversations/";

    private const string Prefix = "conv_";
    private const int HexLength = 32;

    private static readonly SearchValues<char> _hex = SearchValues.Create("0123456789abcdef");

    public static string New() => Prefix + NewHex();

    /// <summary>The id of a conversation that is made with an idempotency key: made again, it is the same.</summary>
    public static string Of(string? owner, string key) => Prefix + IdempotencyKeys.Hash(owner, $"conversation:{key}");

    public static string NewHex() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(HexLength / 2));

    public static bool IsValid(string text) =>
        text.Length == Prefix.Length + HexLength && text.StartsWith(Prefix, StringComparison.Ordinal) && !text.AsSpan(Prefix.Length).ContainsAnyExcept(_hex);

    public static string PathOf(string id) => PathPrefix + id;

    public static string IdOf(string path) => path[PathPrefix.Length..];
}
