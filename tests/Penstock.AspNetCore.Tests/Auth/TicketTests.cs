using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Auth;

public sealed class TicketTests
{
    private readonly TestKey _alice = TestKey.For("alice"), _bob = TestKey.For("bob");

    [Fact]
    public async Task An_EventSource_reads_one_stream_with_a_ticket_and_comes_back_with_it()
    {
        await using var host = await TestKeys.StartAsync(_alice);
        var id = await StartAsync(host, "a-5");
        var (_, ticket) = await Api.SendAsync(Ticket(host, id));
        ((DateTimeOffset)ticket!["expiresAt"]!).ShouldBeInRange(DateTimeOffset.UtcNow.AddMinutes(4), DateTimeOffset.UtcNow.AddMinutes(6));
        var url = ((string)ticket["url"]!).TrimStart('/');
        var events = await SseClient.AllAsync(host.Api.Get(url));
        events[^1].Type().ShouldBe("finished");
        var rest = await SseClient.AllAsync(host.Api.Get(url).With("Last-Event-ID", events[^2].Id!));
        rest.ShouldHaveSingleItem().Type().ShouldBe("finished");
        (await host.Api.Get($"v1/stream/generations/{id}?ticket={ticket["ticket"]}").TextAsync()).ShouldContain("\"finished\"");
    }

    [Fact]
    public async Task A_ticket_opens_its_stream_for_reading_and_nothing_else()
    {
        await using var host = await TestKeys.StartAsync(_alice, _bob);
        var id = await StartAsync(host, "a-5");
        var other = await StartAsync(host, "b-5");
        var ticket = await TicketAsync(host, id);
        async Task<string> StatusAsync(RawRequest request) => (await (request with { Url = new Uri($"{request.Url}?ticket={ticket}") }).TextAsync())[..3];

        (await StatusAsync(host.Api.Events(id))).ShouldBe("200");
        foreach (var request in (RawRequest[])
        [
            host.Api.Events(other), host.Api.Events("gen_0123456789abcdef0123456789abcdef"), host.Api.Events("job"), host.Api.Get($"v1/stream/generations/{other}"), host.Api.Get($"v1/stream/{id}"),
            host.Api.Get($"v1/stream/generations/{id}/x"), host.Api.Get($"v1/stream/generations%2F{id}"), host.Api.Get($"v1/generations/{id}"), host.Api.Get("v1/generations"), host.Api.Get("v1/streams"), host.Api.Get("v1/models"),
            host.Api.Get($"v1/responses/resp_{id[4..]}"), host.Api.Post($"v1/generations/{id}/stop", new JsonObject()), host.Api.Post($"v1/generations/{id}/ticket", new JsonObject()),
            host.Api.Post("v1/generations", new JsonObject { ["prompt"] = "a-3" }), host.Api.Get($"v1/generations/{id}/events") with { Method = "HEAD" },
            host.Api.Get($"v1/stream/generations/{id}") with { Method = "DELETE" }, RawRequest.Post(host.Api.Url($"v1/stream/generations/{id}"), "{}"),
        ])
            (await StatusAsync(request)).ShouldBe("401", $"{request.Method} {request.Url}");
        // The address is right, and what is asked for is not.
        (await StatusAsync(host.Api.Events(id).With("Last-Event-ID", $"{other}.0"))).ShouldBe("400");
        (await Ticket(host, id, _bob).TextAsync()).ShouldStartWith("404");
    }

    [Fact]
    public async Task A_ticket_is_what_was_signed_or_nothing()
    {
        await using var host = await TestKeys.StartAsync(_alice);
        var id = await StartAsync(host, "a-3");
        var other = await StartAsync(host, "b-3");
        var (ticket, another) = (await TicketAsync(host, id), await TicketAsync(host, other));
        foreach (var forged in (string[])["x", ".", "..", ticket[..^1], ticket + "A", $"{another.Split('.')[0]}.{ticket.Split('.')[1]}", $"{ticket.Split('.')[0]}.", $".{ticket.Split('.')[1]}", ticket.Split('.')[0], "%00", new string('A', 5000)])
            (await host.Api.Get($"v1/generations/{id}/events?ticket={forged}").TextAsync()).ShouldStartWith("401", customMessage: forged);
    }

    [Fact]
    public async Task A_ticket_ends_with_its_time_and_with_its_key()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-keys-").FullName;
        var file = new Penstock.AspNetCore.Auth.KeyFile(Path.Combine(folder, "keys.json"));
        var (id, text) = Penstock.AspNetCore.Auth.ApiKey.New();
        file.Change(_ => [new(id, Convert.ToHexStringLower(Penstock.AspNetCore.Auth.ApiKey.Hash(text)), "alice", DateTimeOffset.UtcNow)]);
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", [.. _alice.Settings, ("Auth:KeyFile", file.Path), ("Auth:TicketLifetime", "00:00:02")]);
        var generation = await StartAsync(host, "a-3");
        async Task<bool> OpensAsync(string ticket) => (await host.Api.Get($"v1/generations/{generation}/events?ticket={ticket}").TextAsync()).StartsWith("200", StringComparison.Ordinal);

        var old = await TicketAsync(host, generation);
        await Eventually.Is(async () => !await OpensAsync(old), "its time is over");

        await using var longer = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", [.. _alice.Settings, ("Auth:KeyFile", file.Path)]);
        var own = await StartAsync(longer, "a-3");
        var (_, reply) = await Api.SendAsync(longer.Api.Post($"v1/generations/{own}/ticket", new JsonObject()).With("x-api-key", text));
        var address = ((string)reply!["url"]!).TrimStart('/');
        (await longer.Api.Get(address).TextAsync()).ShouldStartWith("200");
        file.Change(keys => [keys[0] with { RevokedAt = DateTimeOffset.UtcNow }]);
        await Eventually.Is(async () => (await longer.Api.Get(address).TextAsync()).StartsWith("401", StringComparison.Ordinal), "its key was revoked");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_ticket_to_share_holds_as_long_as_its_owner_says_and_no_longer_than_the_run_is_kept()
    {
        await using var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "memory", [.. _alice.Settings, ("Storage:Retention", "01:00:00")]);
        var id = await StartAsync(host, "a-3");
        async Task<double> MinutesAsync(string seconds)
        {
            var (_, ticket) = await Api.SendAsync(host.Api.Post($"v1/generations/{id}/ticket?seconds={seconds}", new JsonObject()).By(_alice));
            return ((DateTimeOffset)ticket!["expiresAt"]! - DateTimeOffset.UtcNow).TotalMinutes;
        }

        (await MinutesAsync("1200")).ShouldBeInRange(19, 20);
        (await MinutesAsync("86400")).ShouldBeInRange(58, 60);
        (await MinutesAsync("2147483647")).ShouldBeInRange(58, 60);
        foreach (var wrong in (string[])["0", "-1", "1.5", "a%20day", "9999999999"])
            (await host.Api.Post($"v1/generations/{id}/ticket?seconds={wrong}", new JsonObject()).By(_alice).TextAsync()).ShouldStartWith("400", customMessage: wrong);
    }

    [Fact]
    public async Task A_ticket_outlives_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-test-").FullName;
        string id, ticket;
        await using (var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "disk", [.. _alice.Settings, ("Storage:Path", folder)]))
        {
            id = await StartAsync(host, "a-3");
            ticket = await TicketAsync(host, id);
            await host.StopAsync();
        }

        await using (var host = await PenstockHost.StartAsync(Tokens.ByPrompt(), "disk", [.. _alice.Settings, ("Storage:Path", folder)]))
            (await host.Api.Get($"v1/generations/{id}/events?ticket={ticket}").TextAsync()).ShouldContain("finished");
        Directory.Delete(folder, recursive: true);
    }

    private RawRequest Ticket(PenstockHost host, string id, TestKey? key = null) => host.Api.Post($"v1/generations/{id}/ticket", new JsonObject()).By(key ?? _alice);

    private async Task<string> TicketAsync(PenstockHost host, string id) => (string)(await Api.SendAsync(Ticket(host, id))).Body!["ticket"]!;

    private async Task<string> StartAsync(PenstockHost host, string prompt)
    {
        var events = await SseClient.AllAsync(host.Api.Native("up/m", prompt, stream: true).By(_alice));
        return events[0].Id!.Split('.')[0];
    }
}
