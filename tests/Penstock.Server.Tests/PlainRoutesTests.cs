using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Penstock.Server.Tests;

/// <summary>An address without parameters is found without the router, and is the same address.</summary>
public sealed class PlainRoutesTests
{
    [Theory]
    [InlineData("POST", "/v1/chat/completions", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("POST", "/V1/Chat/Completions", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("POST", "/v1/chat/completions/", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("GET", "/v1/chat/completions", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/v1/models", HttpStatusCode.OK)]
    [InlineData("HEAD", "/healthz", HttpStatusCode.OK)]
    [InlineData("OPTIONS", "/v1/models", HttpStatusCode.NoContent)]
    [InlineData("GET", "/v1/nowhere", HttpStatusCode.NotFound)]
    public async Task It_is_what_the_router_would_find(string method, string path, HttpStatusCode status)
    {
        await using var app = await StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "OPTIONS")
        {
            request.Headers.Add("Origin", "https://chat.example");
            request.Headers.Add("Access-Control-Request-Method", "GET");
        }

        using var reply = await http.SendAsync(request);
        reply.StatusCode.ShouldBe(status);
    }

    [Fact]
    public async Task The_gate_stands_before_it()
    {
        await using var app = await StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        http.DefaultRequestHeaders.Host = "elsewhere.example";
        using var reply = await http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), content: null);
        reply.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Each_address_without_parameters_has_its_own_endpoint()
    {
        await using var app = await StartAsync();
        var routes = new PlainRoutes(app);
        var count = 0;
        foreach (var endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            if (endpoint.RoutePattern.Parameters.Count > 0 || endpoint.Metadata.GetMetadata<HttpMethodMetadata>() is not { } methods) continue;
            foreach (var method in methods.HttpMethods)
            {
                var context = new DefaultHttpContext();
                (context.Request.Method, context.Request.Path) = (method, "/" + endpoint.RoutePattern.RawText!.Trim('/'));
                routes.Find(context);
                context.GetEndpoint().ShouldNotBeNull().DisplayName.ShouldBe(endpoint.DisplayName);
                context.GetEndpoint()!.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.ShouldContain(method);
                count++;
            }
        }

        count.ShouldBeGreaterThan(30);
    }

    [Theory]
    [InlineData("/v1/stream/a", true)]
    [InlineData("/v1/stream/a/b.c/d e/\u00fc", true)]
    [InlineData("/v1/stream/generations/gen_1", true)]
    [InlineData("/v1/stream/a%2Fb", true)]
    [InlineData("/v1/stream/a/../b", true)]
    [InlineData("/v1/stream/__d", true)]
    [InlineData("/v1/models/up/m", true)]
    [InlineData("/v1beta/models/up/m:generateContent", true)]
    [InlineData("/v1/stream", false)]
    [InlineData("/v1/stream/", false)]
    [InlineData("/v1/stream/a/", false)]
    [InlineData("/v1/stream//a", false)]
    [InlineData("/v1/stream/a//b", false)]
    [InlineData("/V1/stream/a", false)]
    [InlineData("/v1/stream/__ds/subscriptions/a", false)]
    [InlineData("/v1/stream/__DS/subscriptions/a", false)]
    [InlineData("/v1/streams", false)]
    public async Task What_is_below_an_address_is_what_the_router_would_find(string path, bool isFound)
    {
        await using var app = await StartAsync();
        var router = new ApplicationBuilder(app.Services);
        router.Properties["__GlobalEndpointRouteBuilder"] = app; // as WebApplication itself says where the routes are
        router.UseRouting().Run(_ => Task.CompletedTask);
        var (route, plain) = (router.Build(), new PlainRoutes(app));
        var found = 0;
        foreach (var method in (string[])["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"])
        {
            HttpContext Context() => new DefaultHttpContext { RequestServices = app.Services, Request = { Method = method, Path = path } };
            var (here, there) = (Context(), Context());
            plain.Find(here);
            await route(there);
            if (here.GetEndpoint() is not { } endpoint) continue;
            found++;
            there.GetEndpoint().ShouldNotBeNull(method).DisplayName.ShouldBe(endpoint.DisplayName); // built anew for each who asks
            here.Request.RouteValues.ShouldBe(there.Request.RouteValues);
        }

        (found > 0).ShouldBe(isFound || path == "/v1/streams");
    }

    private static async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection([new("Penstock:Storage:Kind", "memory"), new("Penstock:Cors:Origins:0", "https://chat.example"), new("urls", "http://127.0.0.1:0")]);
        var app = PenstockServer.Build(builder);
        await app.StartAsync();
        return app;
    }
}
