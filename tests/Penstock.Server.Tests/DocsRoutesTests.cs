using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Penstock.Server.Tests;

public sealed class DocsRoutesTests
{
    [Fact]
    public async Task The_document_has_every_route_and_no_other()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection([new("Penstock:Storage:Kind", "memory"), new("urls", "http://127.0.0.1:0")]);
        await using var app = PenstockServer.Build(builder);
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var document = JsonDocument.Parse(await http.GetStringAsync("openapi.json"));

        var routes =
            from endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            where endpoint.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null
            from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
            select $"{method} {endpoint.RoutePattern.RawText!.Replace("{**", "{", StringComparison.Ordinal)}";
        DocsTests.Operations(document).Select(o => $"{o.Method} {o.Path}").ShouldBe(routes, ignoreOrder: true);
    }
}
