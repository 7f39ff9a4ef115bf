using System.Reflection;

namespace Penstock.Server.Playground;

/// <summary><c>/</c>: the playground of web/playground, which <c>dotnet build</c> builds into this assembly where Node is there.</summary>
internal static class PlaygroundEndpoints
{
    // Nothing but this server's own, no script or style in the page itself, and no string that becomes markup.
    // data: and blob: are pictures that a person or a model gave.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private const string Absent = """
        The playground is not in this build: Node was not there when it was built.
        Install Node 20 or later and build again: dotnet build src/Penstock.Server
        The API works without it: see /docs.

        """;

    private static readonly string[] _methods = ["GET", "HEAD"];

    /// <param name="app">Where the page is mapped.</param>
    /// <param name="assembly">What it was built into.</param>
    public static void MapPlayground(this WebApplication app, Assembly assembly)
    {
        var files = PlaygroundFile.ReadAll(assembly);
        if (!files.TryGetValue("index.html", out var page))
        {
            Map(app, "/", static context =>
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                context.Response.ContentType = "text/plain; charset=utf-8";
                return context.Response.WriteAsync(Absent, context.RequestAborted);
            });
            return;
        }

        Map(app, "/", context =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = Policy;
            headers["X-DNS-Prefetch-Control"] = "off"; // a link in an answer is not looked up before it is followed
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            return WriteAsync(context, page);
        });
        foreach (var file in files.Values.Where(f => f != page)) Map(app, $"/{file.Path}", context => WriteAsync(context, file));
    }

    private static void Map(WebApplication app, string path, RequestDelegate handle) => app.MapMethods(path, _methods, handle).ExcludeFromDescription();

    private static Task WriteAsync(HttpContext context, PlaygroundFile file)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.CacheControl = file.IsHashed ? "public, max-age=31536000, immutable" : "no-cache";
        response.Headers.Vary = "Accept-Encoding";
        response.Headers.ETag = file.ETag.Value;
        if (request.Headers.IfNoneMatch == file.ETag.Value)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        var (content, encoding) = file.For(request.Headers.AcceptEncoding.ToString());
        response.ContentType = file.ContentType;
        response.ContentLength = content.Length;
        if (encoding is not null) response.Headers.ContentEncoding = encoding;
        return HttpMethods.IsHead(request.Method) ? Task.CompletedTask : response.Body.WriteAsync(content, context.RequestAborted).AsTask();
    }
}
