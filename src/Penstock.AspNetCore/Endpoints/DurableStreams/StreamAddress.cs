using Microsoft.AspNetCore.Http;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints.DurableStreams;

/// <summary>Which path an address names.</summary>
internal static class StreamAddress
{
    public const string Root = "/v1/stream/";

    /// <summary>Paths that begin so name generations, which are read here and written by nobody but their generator.</summary>
    public const string Generations = "generations/";

    /// <summary>What the log's paths of the streams begin with that belong to nobody in particular.</summary>
    public const string LogPrefix = "streams/";

    private const int MaxLength = 1024;

    /// <exception cref="RequestException">The path names nothing that could be a stream.</exception>
    public static string Parse(string? path)
    {
        if (string.IsNullOrEmpty(path) || path.Length > MaxLength)
            throw new RequestException($"A stream's path has 1 to {MaxLength} characters.") { Code = "invalid_path" };
        foreach (var c in path)
        {
            if (char.IsControl(c)) throw new RequestException("A stream's path holds no control characters.") { Code = "invalid_path" };
        }

        return path;
    }

    /// <summary>The stream that a URL path names, as <c>Stream-Forked-From</c> has it.</summary>
    public static string ParseUrlPath(string urlPath)
    {
        var path = urlPath.StartsWith(Root, StringComparison.Ordinal) ? urlPath[Root.Length..] : urlPath.TrimStart('/');
        return Parse(Uri.UnescapeDataString(path));
    }

    public static bool IsGeneration(string path) => path.StartsWith(Generations, StringComparison.Ordinal);

    public static string UrlOf(HttpRequest request, string path) =>
        $"{request.Scheme}://{request.Host}{request.PathBase}{Root}{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}";
}
