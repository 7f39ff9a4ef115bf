using Penstock.Protocols;

namespace Penstock.Providers;

/// <summary>What a client is told when a provider fails: our words, never the provider's, whose bodies may hold keys and addresses.</summary>
internal static class ProviderErrors
{
    public static readonly GenerationError Cut = new(
        "provider_disconnected", "The provider closed the connection before the answer was complete. The text so far is kept; ask again for a whole answer.");

    public static readonly GenerationError Unreachable = new(
        "provider_unreachable", "The provider cannot be reached. Try again shortly.", 502);

    public static readonly GenerationError Timeout = new(
        "provider_timeout", "The provider was silent for too long and the call was given up. Try again.", 504);

    public static readonly GenerationError TookTooLong = new(
        "provider_timeout", "The answer took longer than an answer of this provider may take in all, and was given up. The text so far is kept.", 504);

    public static readonly GenerationError Malformed = new(
        "provider_malformed", "The provider sent something that its protocol does not allow. Try again; if it persists, tell the operator of this server.");

    public static GenerationError TooLong(int limit) => new(
        "provider_line_too_long", $"The provider sent a line of more than {limit} bytes, which is the limit here.");
}
