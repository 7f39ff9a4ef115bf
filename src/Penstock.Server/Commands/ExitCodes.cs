using Penstock.Client;

namespace Penstock.Server.Commands;

/// <summary>What the program ends with; docs/cli.md tells scripts.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int NotFound = 3;
    public const int Unauthorized = 4;
    public const int Upstream = 5;
    public const int Stopped = 6;
    public const int Interrupted = 130;

    public static int Of(PenstockException error) => IsUpstream(error.Code) ? Upstream : OfStatus(error.Status);

    public static int Of(GenerationError error) => IsUpstream(error.Code) ? Upstream : OfStatus(error.Status);

    public static int OfStatus(int status) => status switch
    {
        401 or 403 => Unauthorized,
        404 or 410 => NotFound,
        _ => Failed,
    };

    private static bool IsUpstream(string code) =>
        code.StartsWith("provider_", StringComparison.Ordinal) || code is "rate_limited" or "insufficient_quota" or "context_length_exceeded" or "content_filtered";
}
