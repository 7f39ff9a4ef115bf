using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Penstock.Server.Docs;

namespace Penstock.Server.Tests;

public sealed partial class DocsTests : IAsyncLifetime
{
    private readonly WebApplication _app = NewApp();
    private readonly HttpClient _http = new();

    public async ValueTask InitializeAsync()
    {
        await _app.StartAsync();
        _http.BaseAddress = new Uri(_app.Urls.First());
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task The_page_and_all_that_it_loads_come_from_this_server()
    {
        var page = await _http.GetAsync("docs");
        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        var html = await page.Content.ReadAsStringAsync();
        var assets = Assets().Matches(html).Select(m => m.Groups["address"].Value).ToList();
        assets.Count.ShouldBeGreaterThan(3);
        foreach (var asset in assets)
        {
            var address = new Uri(page.RequestMessage!.RequestUri!, asset);
            address.Authority.ShouldBe(_http.BaseAddress!.Authority);
            (await _http.GetAsync(address)).StatusCode.ShouldBe(HttpStatusCode.OK, asset);
        }
    }

    [Fact]
    public async Task The_page_shows_the_document()
    {
        var script = await _http.GetStringAsync("docs/index.js");
        script.ShouldContain("""{"url":"../openapi.json","name":"Penstock"}""");
    }

    [Fact]
    public async Task Every_reference_in_the_document_leads_somewhere()
    {
        using var document = await ReadAsync();
        foreach (var reference in References(document.RootElement))
        {
            var node = document.RootElement;
            foreach (var name in reference.Split('/').Skip(1))
                node.TryGetProperty(name, out node).ShouldBeTrue(reference);
        }
    }

    [Fact]
    public async Task Every_operation_has_a_name_of_its_own_and_every_path_parameter_is_described()
    {
        using var document = await ReadAsync();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (path, method, operation) in Operations(document))
        {
            names.Add(operation.GetProperty("operationId").GetString()!).ShouldBeTrue($"{method} {path}");
            var described = operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Select(p => Follow(document, p)).Where(p => p.GetProperty("in").GetString() == "path").Select(p => p.GetProperty("name").GetString()!)
                : [];
            described.ShouldBe(PathParameters().Matches(path).Select(m => m.Groups["name"].Value), $"{method} {path}");
        }
    }

    internal static IEnumerable<(string Path, string Method, JsonElement Operation)> Operations(JsonDocument document) =>
        from path in document.RootElement.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        select (path.Name, operation.Name.ToUpperInvariant(), operation.Value);

    private static WebApplication NewApp()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapDocs();
        return app;
    }

    private async Task<JsonDocument> ReadAsync() => JsonDocument.Parse(await _http.GetStringAsync("openapi.json"));

    private static JsonElement Follow(JsonDocument document, JsonElement node) => node.TryGetProperty("$ref", out var reference)
        ? reference.GetString()!.Split('/').Skip(1).Aggregate(document.RootElement, (parent, name) => parent.GetProperty(name))
        : node;

    private static IEnumerable<string> References(JsonElement node) => node.ValueKind switch
    {
        JsonValueKind.Object => node.EnumerateObject().SelectMany(m => m.Name == "$ref" ? [m.Value.GetString()!] : References(m.Value)),
        JsonValueKind.Array => node.EnumerateArray().SelectMany(References),
        _ => [],
    };

    [GeneratedRegex("(?:src|href)=\"(?<address>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Assets();

    [GeneratedRegex(@"\{(?<name>\w+)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PathParameters();
}
