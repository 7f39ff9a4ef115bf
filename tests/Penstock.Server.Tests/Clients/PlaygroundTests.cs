using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Penstock.Server.Playground;

namespace Penstock.Server.Tests.Clients;

/// <summary>The page in web/playground.</summary>
public sealed class PlaygroundTests
{
    [Fact]
    public Task Its_suite_passes_whole() => WebSuite.PassesAsync("playground", least: 40, TimeSpan.FromMinutes(8));

    [Fact]
    public async Task A_build_without_the_page_says_how_to_get_it()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.MapPlayground(typeof(PlaygroundTests).Assembly); // has none
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        using var reply = await http.GetAsync("");
        reply.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await reply.Content.ReadAsStringAsync()).ShouldContain("dotnet build src/Penstock.Server");
    }

    [Theory]
    [InlineData("Development", "http://127.0.0.1:0", "{0}", "", 200)]
    [InlineData("Development", "http://127.0.0.1:0", "{0}", "http://{0}", 200)]
    [InlineData("Development", "http://127.0.0.1:0", "{0}", "https://example.com", 404)]
    [InlineData("Development", "http://127.0.0.1:0", "example.com", "", 404)]
    [InlineData("Development", "http://*:0", "{0}", "", 404)]
    [InlineData("Production", "http://127.0.0.1:0", "{0}", "", 404)]
    public async Task A_node_is_killed_by_its_own_page_in_Development_on_loopback_alone(string environment, string listen, string host, string origin, int status)
    {
        var builder = WebApplication.CreateSlimBuilder(["--environment", environment, "--urls", listen, "--Penstock:Storage:Kind", "memory", "--Penstock:Auth:Open", "true"]);
        await using var app = PenstockServer.Build(builder);
        await app.StartAsync();
        var port = new Uri(app.Urls.First().Replace("[::]", "127.0.0.1", StringComparison.Ordinal)).Port;
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        async Task<HttpStatusCode> SendAsync(HttpMethod method)
        {
            using var request = new HttpRequestMessage(method, "development/node");
            request.Headers.Host = string.Format(null, host, $"127.0.0.1:{port}");
            if (origin.Length > 0) request.Headers.Add("Origin", string.Format(null, origin, $"127.0.0.1:{port}"));
            using var reply = await http.SendAsync(request);
            return reply.StatusCode;
        }

        ((int)await SendAsync(HttpMethod.Get)).ShouldBe(status);
        if (status == 404) (await SendAsync(HttpMethod.Delete)).ShouldBe(HttpStatusCode.NotFound); // and the test's process lives
    }

    [Theory]
    [InlineData("", "", 404)]
    [InlineData("user", "", 404)]
    [InlineData("operator", "", 200)]
    [InlineData("operator", "X-Forwarded-For", 404)] // a proxy before it may stand open to the world
    public async Task Where_there_are_keys_a_node_is_killed_by_an_operator_alone(string who, string header, int status)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal) { [""] = "", ["user"] = $"pk_{new string('a', 12)}_{new string('a', 64)}", ["operator"] = $"pk_{new string('b', 12)}_{new string('b', 64)}" };
        string[] Key(string name) => [$"--Penstock:Auth:Keys:{keys[name][3..15]}:Hash", Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(keys[name]))), $"--Penstock:Auth:Keys:{keys[name][3..15]}:Admin", name == "operator" ? "true" : "false"];
        var builder = WebApplication.CreateSlimBuilder(["--environment", "Development", "--urls", "http://127.0.0.1:0", "--Penstock:Storage:Kind", "memory", .. Key("user"), .. Key("operator")]);
        await using var app = PenstockServer.Build(builder);
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        if (who.Length > 0) http.DefaultRequestHeaders.Add("Authorization", $"Bearer {keys[who]}");
        if (header.Length > 0) http.DefaultRequestHeaders.Add(header, "203.0.113.7");
        using var told = await http.GetAsync("development/node");
        ((int)told.StatusCode).ShouldBe(status);
        if (status != 404) return;
        using var killed = await http.DeleteAsync("development/node");
        killed.StatusCode.ShouldBe(HttpStatusCode.NotFound); // and the test's process lives
    }
}
