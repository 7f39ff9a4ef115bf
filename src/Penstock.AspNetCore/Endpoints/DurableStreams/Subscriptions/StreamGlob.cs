namespace Penstock.AspNetCore.Endpoints.DurableStreams.Subscriptions;

/// <summary>Matches streams' paths: <c>*</c> is one segment, <c>**</c> any number of them.</summary>
internal sealed class StreamGlob(string pattern)
{
    private readonly string[] _pattern = pattern.Split('/');

    public bool Matches(string path) => Matches(_pattern, path.Split('/'));

    private static bool Matches(ReadOnlySpan<string> pattern, ReadOnlySpan<string> path)
    {
        // Where to go on if what follows the last ** does not fit: one segment later.
        ReadOnlySpan<string> retryPattern = default, retryPath = default;
        var canRetry = false;
        while (true)
        {
            if (!pattern.IsEmpty && pattern[0] == "**")
            {
                retryPattern = pattern = pattern[1..];
                retryPath = path;
                canRetry = true;
            }
            else if (pattern.IsEmpty && path.IsEmpty)
            {
                return true;
            }
            else if (!pattern.IsEmpty && !path.IsEmpty && (pattern[0] == "*" || pattern[0] == path[0]))
            {
                pattern = pattern[1..];
                path = path[1..];
            }
            else if (canRetry && !retryPath.IsEmpty)
            {
                retryPath = retryPath[1..];
                pattern = retryPattern;
                path = retryPath;
            }
            else
            {
                return false;
            }
        }
    }
}
