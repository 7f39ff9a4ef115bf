using Microsoft.AspNetCore.Routing;

namespace Penstock.Server.Docs;

/// <summary><c>/openapi.json</c>: the API as a document, written by hand. <c>/docs</c>: the same as a page.</summary>
internal static class DocsEndpoints
{
    private const string Resource = "openapi.json";

    public static void MapDocs(this WebApplication app)
    {
        var document = ReadDocument();
        app.MapGet("/openapi.json", context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = document.Length;
            return context.Response.Body.WriteAsync(document, context.RequestAborted).AsTask();
        }).ExcludeFromDescription();

        // Its scripts and styles come out of the package's assembly; nothing is fetched from elsewhere.
        // Only for its own addresses: a middleware holds memory for as long as a stream is open.
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/docs", StringComparison.OrdinalIgnoreCase), docs => docs.UseSwaggerUI(ui =>
        {
            ui.RoutePrefix = "docs";
            ui.DocumentTitle = "Penstock API";
            ui.SwaggerEndpoint("../openapi.json", "Penstock"); // relative, so that a proxy may put a prefix before both
        }));
    }

    private static ReadOnlyMemory<byte> ReadDocument()
    {
        using var stream = typeof(DocsEndpoints).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The resource {Resource} is missing from the build.");
        var document = new byte[stream.Length];
        stream.ReadExactly(document);
        return document;
    }
}
