namespace Penstock.Generations.Conversations;

/// <summary>A conversation's name, <c>conv_</c> and 128 random bits in hex, and where its log is.</summary>
internal static class ConversationId
{
    public const string PathPrefix = "conversations/";

    private const string Prefix = "conv_";

    public static string New() => Prefix + RandomHex.New();

    /// <summary>The id of a conversation that is made with an idempotency key: made again, it is the same.</summary>
    public static string Of(string? owner, string key) => Prefix + IdempotencyKeys.Hash(owner, $"conversation:{key}");

    public static bool IsValid(string text) =>
        text.StartsWith(Prefix, StringComparison.Ordinal) && RandomHex.Is(text.AsSpan(Prefix.Length));

    public static string PathOf(string id) => PathPrefix + id;

    public static string IdOf(string path) => path[PathPrefix.Length..];
}
