using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Pairs;

/// <summary>What goes wrong at a provider is told in the client's own words, and never looks like an answer that is whole.</summary>
public sealed class FailureTests(PairHost pairs)
{
    private const string Secret = "sk-live-0123456789-provider-key";

    private static readonly Answer _answer = new() { Reasoning = "Hm, ", Text = "One two three four.", Usage = new(3, 4) };

    public static TheoryData<string, string, string, int, int> Statuses =>
    [
        .. from pair in PairData.Pairs
           from way in PairData.WaysOf(pair.Client)
           from status in new[] { (400, 400), (401, 502), (429, 429), (500, 502), (503, 503) }
           select (pair.Client, pair.Provider, way, status.Item1, status.Item2),
    ];

    [Theory]
    [MemberData(nameof(Statuses))]
    public async Task An_error_before_the_first_token_has_its_status_and_the_protocols_own_shape(string client, string provider, string way, int sent, int expected)
    {
        var wire = ProviderWire.Of(provider);
        var ask = pairs.Prepare(wire, call => call.Json(sent, wire.ErrorBody(sent, $"Bad key {Secret} at https://internal.example.com"), ("Retry-After", "7")), new Ask { Way = way });
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask);
        reply.Status.ShouldBe(expected, reply.Body);
        reply.Headers["Content-Type"].ShouldStartWith("application/json");
        reply.Error().ShouldNotBeEmpty();
        if (sent == 429) reply.Headers["Retry-After"].ShouldBe("7");
        ShouldHide(reply);
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task An_error_mid_stream_ends_the_answer_as_an_error(string client, string provider, string way)
    {
        var wire = ProviderWire.Of(provider);
        await EndsAsErrorAsync(client, wire, way, call => call.Write(wire.Frames([.. wire.Until(_answer, "two"), .. wire.StreamError($"Bad key {Secret}")])));
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task An_answer_cut_mid_stream_ends_as_an_error(string client, string provider, string way)
    {
        var wire = ProviderWire.Of(provider);
        await EndsAsErrorAsync(client, wire, way, async call =>
        {
            await call.Write(wire.Frames(wire.Until(_answer, "two")));
            call.Close();
        });
    }

    [Theory]
    [MemberData(nameof(PairData.BothWays), MemberType = typeof(PairData))]
    public async Task An_answer_that_stops_before_its_last_frame_ends_as_an_error(string client, string provider, string way)
    {
        var wire = ProviderWire.Of(provider);
        await EndsAsErrorAsync(client, wire, way, call => call.Write(wire.Frames(wire.Until(_answer, "two"))));
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task A_client_that_leaves_a_stream_ends_the_call(string client, string provider)
    {
        var wire = ProviderWire.Of(provider);
        var ask = pairs.Prepare(wire, async call =>
        {
            await call.Write(wire.Frames(wire.Until(_answer, "two")));
            await call.Hold();
        });
        using var stream = await SseClient.OpenAsync(ClientWire.Of(client).Request(pairs.Api, ask).With("Penstock-On-Disconnect", "cancel"));
        while (!(await stream.NextAsync())!.Data.Contains("two", StringComparison.Ordinal))
        {
        }

        var call = await pairs.CallAsync(ask);
        call.Closed.IsCompleted.ShouldBeFalse();
        stream.Cut();
        await Eventually.Completes(call.Closed, "the upstream is given up");
    }

    [Theory]
    [MemberData(nameof(PairData.Streaming), MemberType = typeof(PairData))]
    public async Task A_client_that_leaves_before_its_document_ends_the_call(string client, string provider)
    {
        var ask = pairs.Prepare(ProviderWire.Of(provider), call => call.Hold(), new Ask { Way = "document" });
        using var http = new HttpClient();
        using var patience = new CancellationTokenSource();
        var request = ClientWire.Of(client).Request(pairs.Api, ask);
        using var message = new HttpRequestMessage(HttpMethod.Post, request.Url) { Content = new StringContent(request.Body!, null, "application/json") };
        message.Headers.Add("Penstock-On-Disconnect", "cancel");
        var sent = http.SendAsync(message, patience.Token);
        var call = await pairs.CallAsync(ask);
        call.Closed.IsCompleted.ShouldBeFalse();
        await patience.CancelAsync();
        await Eventually.Completes(call.Closed, "the upstream is given up");
        await Should.ThrowAsync<OperationCanceledException>(sent);
    }

    private static void ShouldHide(PairReply reply)
    {
        reply.Body.ShouldNotContain(Secret);
        reply.Body.ShouldNotContain("internal.example.com");
        reply.Body.ShouldNotContain(PenstockSettings.ApiKey);
    }

    private async Task EndsAsErrorAsync(string client, ProviderWire provider, string way, UpstreamScript script)
    {
        // A provider that streams where a document was asked for is tolerated, so one script plays both.
        var ask = pairs.Prepare(provider, script, new Ask { Way = way });
        var reply = await pairs.AskAsync(ClientWire.Of(client), ask);
        ShouldHide(reply);
        if (way == "document")
        {
            reply.Status.ShouldBeGreaterThanOrEqualTo(500, reply.Body);
            reply.Error().ShouldNotBeEmpty();
            return;
        }

        var answer = reply.Answer();
        answer.Text.ShouldBe("One two ", reply.Body);
        answer.Reasoning.ShouldBe("Hm, ", reply.Body);
        answer.Error.ShouldNotBeNullOrEmpty(reply.Body);
        answer.Complete.ShouldBeFalse(reply.Body);
        answer.Stop.ShouldBeNull(reply.Body);
    }
}
