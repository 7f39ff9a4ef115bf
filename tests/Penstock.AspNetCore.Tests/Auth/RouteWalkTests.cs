using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

/// <summary>Walks over every route that there is, so that a new one is asked the same questions.</summary>
public sealed partial class RouteWalkTests
{
    // What anybody may see, since it is the same for everybody; and what a wake's token opens.
    private static readonly string[] _open =
    [
        "GET /healthz", "HEAD /healthz", "GET /readyz", "HEAD /readyz", "GET /v1/stream/__ds/jwks.json",
        "POST /v1/stream/__ds/subscriptions/{id}/callback", "POST /v1/stream/__ds/subscriptions/{id}/ack", "POST /v1/stream/__ds/subscriptions/{id}/release",
    ];

    [Fact]
    public async Task No_route_answers_somebody_unknown()
    {
        var alice = TestKey.For("alice");
        await using var host = await TestKeys.StartAsync(alice);
        var routes = Routes(host).ToList();
        routes.Count.ShouldBeGreaterThan(50);
        _open.ShouldBeSubsetOf(routes.Select(r => $"{r.Method} {r.Pattern}"));
        foreach (var (method, pattern) in routes.Where(r => !_open.Contains($"{r.Method} {r.Pattern}")))
        {
            foreach (var credential in (string[])["", "Bearer ", "Bearer pk_0123456789ab_0", $"Bearer {alice.Text[..^1]}", $"Basic {alice.Text}"])
            {
                using var reply = await RawReply.SendAsync(Request(host, method, Fill(pattern, "x")).With("Authorization", credential));
                reply.Status.ShouldBe(401, $"{method} {pattern} {credential}");
                reply.Headers["WWW-Authenticate"].ShouldBe("Bearer realm=\"penstock\"");
            }
        }
    }

    [Fact]
    public async Task No_route_changes_anything_for_a_page_of_another_origin_where_no_key_is_asked_for()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt());
        foreach (var (method, pattern) in Routes(host).Where(r => !_open.Contains($"{r.Method} {r.Pattern}") && r.Method is not ("GET" or "HEAD")))
        {
            var request = Request(host, method, Fill(pattern, "x"));
            (await request.With("Origin", "https://evil.example").TextAsync()).ShouldStartWith("403", customMessage: $"{method} {pattern}");
            (await request.With("Sec-Fetch-Site", "cross-site").TextAsync()).ShouldStartWith("403", customMessage: $"{method} {pattern}");
        }
    }

    [Fact]
    public async Task A_ticket_to_share_a_run_opens_its_events_and_no_other_route()
    {
        var alice = TestKey.For("alice");
        await using var host = await TestKeys.StartAsync(alice);
        host.Upstream.ReplyTo("hold", async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("alices-words")]);
            await call.Hold();
        });
        var (_, started) = await Api.SendAsync(host.Api.Post("v1/generations", new JsonObject { ["model"] = "up/hold", ["prompt"] = "x" }).By(alice));
        var id = (string)started!["id"]!;
        var (_, shared) = await Api.SendAsync(host.Api.Post($"v1/generations/{id}/ticket?seconds=86400", new JsonObject()).By(alice));
        var resp = $"resp_{id[4..]}";
        string[] opened = [$"GET v1/generations/{id}/events", $"GET v1/generations/{resp}/events", $"GET v1/stream/generations/{id}"];
        var walked = 0;
        foreach (var (method, pattern) in Routes(host).Where(r => !_open.Contains($"{r.Method} {r.Pattern}")))
        {
            foreach (var name in (string[])[id, $"generations/{id}", resp])
            {
                var address = Fill(pattern, name);
                if (opened.Contains($"{method} {address}")) continue; // read below
                var reply = await Request(host, method, $"{address}?ticket={shared!["ticket"]}").TextAsync();
                // Where the name has a slash there may be no route.
                if (!(name.Contains('/', StringComparison.Ordinal) && reply.Contains("There is nothing at this address", StringComparison.Ordinal))) reply.ShouldStartWith("401", customMessage: $"{method} {pattern} {name}");
                walked++;
            }
        }

        walked.ShouldBeGreaterThan(150);
        var status = (string)(await Api.SendAsync(host.Api.Get($"v1/generations/{id}").By(alice))).Body!["status"]!;
        status.ShouldBe("running");
        using var events = await SseClient.OpenAsync(host.Api.Get($"{((string)shared!["url"]!).TrimStart('/')}&snapshot=true"));
        var snapshot = (await events.NextAsync())!.Data;
        snapshot.ShouldContain("alices-words");
        snapshot.ShouldNotContain("watchers");
        (await host.Api.Get($"v1/generations/{id}?watchers=true").By(alice).TextAsync()).ShouldContain("watchers");
    }

    [Fact]
    public async Task Another_owners_stream_is_on_every_route_as_if_it_were_not_there()
    {
        TestKey alice = TestKey.For("alice"), bob = TestKey.For("bob");
        await using var host = await TestKeys.StartAsync(alice, bob);
        host.Upstream.ReplyTo("hold", async call =>
        {
            await call.Sse([Chat.Role(), Chat.Text("alices-words")]);
            await call.Hold();
        });
        var finished = await StartAsync(host, alice, host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/m", ["input"] = "a-3" }));
        var running = await StartAsync(host, alice, host.Api.Post("v1/responses", new JsonObject { ["model"] = "up/hold", ["input"] = "x", ["background"] = true }));
        await StartAsync(host, alice, host.Api.Post("ask", new JsonObject { ["model"] = "up/m", ["query"] = "a-3", ["uuid"] = "alices-job" }));
        (await Put(host, "v1/stream/alices/log", """["alices-words"]""").By(alice).TextAsync()).ShouldStartWith("201");
        (await Put(host, "v1/stream/__ds/subscriptions/alices-sub", """{"type":"pull-wake","pattern":"alices/*","wake_stream":"wakes"}""").By(alice).TextAsync()).ShouldStartWith("201");

        var (_, made) = await Api.SendAsync(host.Api.Post("v1/conversations", JsonNode.Parse("""{"items":[{"role":"user","content":"alices-words"}]}""")!).By(alice));
        var conversation = (string)made!["id"]!;

        // Each of hers beside one of the same form that nobody has.
        var names = new List<(string Hers, string Nobodys)> { (conversation, "conv_0123456789abcdef0123456789abcdef"), ("alices-job", "nobodys-job"), ("alices/log", "nobodys/log"), ("alices-sub", "nobodys-sub") };
        foreach (var (id, unknown) in ((string, string)[])[(finished, "0123456789abcdef0123456789abcdef"), (running, "fedcba9876543210fedcba9876543210")])
        {
            foreach (var prefix in (string[])["gen_", "resp_", "msg_", "chatcmpl-", "generations/gen_"]) names.Add((prefix + id, prefix + unknown));
        }

        foreach (var (method, pattern) in Routes(host))
        {
            foreach (var (hers, nobodys) in names)
            {
                var own = await TellAsync(Request(host, method, Fill(pattern, hers)).By(bob), hers);
                own.ShouldBe(await TellAsync(Request(host, method, Fill(pattern, nobodys)).By(bob), nobodys), $"{method} {pattern} {hers}");
                own.ShouldNotContain("alices-words");
                if (!hers.StartsWith("gen_", StringComparison.Ordinal)) continue;
                own = await TellAsync(Request(host, method, Fill(pattern, hers)).By(bob).With("Last-Event-ID", $"{hers}.0"), hers);
                own.ShouldBe(await TellAsync(Request(host, method, Fill(pattern, nobodys)).By(bob).With("Last-Event-ID", $"{nobodys}.0"), nobodys), $"{method} {pattern} Last-Event-ID {hers}");
                own.ShouldNotContain("alices-words");
            }
        }

        // The one address that names them in its query.
        foreach (var (hers, nobodys) in names.Where(n => n.Hers.StartsWith("gen_", StringComparison.Ordinal)))
        {
            var own = await TellAsync(host.Api.Get($"v1/generations/events?streams={hers}").By(bob), hers);
            own.ShouldStartWith("200");
            own.ShouldBe(await TellAsync(host.Api.Get($"v1/generations/events?streams={nobodys}").By(bob), nobodys));
            own.ShouldNotContain("alices-words");
        }

        // And nothing of hers was touched.
        (await host.Api.Get($"v1/responses/resp_{finished}").By(alice).TextAsync()).ShouldContain("\"completed\"");
        (await host.Api.Get($"v1/responses/resp_{running}").By(alice).TextAsync()).ShouldContain("\"in_progress\"");
        (await host.Api.Get("v1/stream/alices/log").By(alice).TextAsync()).ShouldEndWith("""["alices-words"]""");
        (await host.Api.Get($"v1/conversations/{conversation}/items").By(alice).TextAsync()).ShouldContain("alices-words");
        (await host.Api.Get("v1/generations/alices-job").By(alice).TextAsync()).ShouldContain("\"finished\"");
        (await host.Api.Get("v1/stream/__ds/subscriptions/alices-sub").By(alice).TextAsync()).ShouldContain("alices/*");
    }

    private static IEnumerable<(string Method, string Pattern)> Routes(PenstockHost host) =>
        from endpoint in host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        select (method, "/" + endpoint.RoutePattern.RawText!.TrimStart('/'));

    private static string Fill(string pattern, string name)
    {
        var address = Parameter().Replace(pattern, name);
        address.ShouldNotContain("{", customMessage: "teach this test the new parameter");
        return address.TrimStart('/');
    }

    private static RawRequest Request(PenstockHost host, string method, string path) =>
        method is "GET" or "HEAD" or "DELETE" ? new RawRequest(host.Api.Url(path), method) : (RawRequest.Post(host.Api.Url(path), "{}") with { Method = method });

    private static RawRequest Put(PenstockHost host, string path, string body) => RawRequest.Post(host.Api.Url(path), body) with { Method = "PUT" };

    private static async Task<string> TellAsync(RawRequest request, string name)
    {
        var text = await request.TextAsync();
        return Id().Replace(text.Replace(name, "NAME", StringComparison.Ordinal).Replace(Uri.EscapeDataString(name), "NAME", StringComparison.Ordinal), "ID");
    }

    private static async Task<string> StartAsync(PenstockHost host, TestKey key, RawRequest request)
    {
        using var reply = await RawReply.SendAsync(request.By(key));
        reply.Status.ShouldBeOneOf(200, 201, 202);
        await reply.TextAsync();
        return reply.Headers["Penstock-Generation"]["gen_".Length..];
    }

    // Not {model}: a model is nobody's.
    [GeneratedRegex(@"\{(\*\*)?(id|path|model|call|item)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Parameter();

    // What is new in each reply.
    [GeneratedRegex("[0-9a-f]{32}|\"created_at\":(\"[^\"]*\"|[0-9]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Id();
}
