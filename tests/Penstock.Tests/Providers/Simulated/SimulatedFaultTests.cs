using System.Text;
using System.Text.Json;
using Penstock.Providers.Simulated;
using Penstock.Testing;
using static Penstock.Tests.Providers.Simulated.SimulatedCall;

namespace Penstock.Tests.Providers.Simulated;

/// <summary>Each fault that a model's name can ask for.</summary>
public sealed class SimulatedFaultTests
{
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(30);
    private const string WithUsage = "\"stream\":true,\"stream_options\":{\"include_usage\":true}";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    public async Task Cut_ends_the_body_without_a_finish(int tokens)
    {
        var reply = await StreamAsync($"chat?{Fast}&cut={tokens}", more: WithUsage);
        reply.Tokens.Count.ShouldBe(tokens);
        reply.Payloads.Count.ShouldBe(tokens == 0 ? 0 : tokens + 1);
        (reply.Finish, reply.Done, reply.Usage, reply.Broken).ShouldBe((null, false, null, null));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public async Task Reset_breaks_the_connection(int tokens)
    {
        var reply = await StreamAsync($"chat?{Fast}&reset={tokens}");
        reply.Tokens.Count.ShouldBe(tokens);
        reply.Broken.ShouldNotBeNull();
        (reply.Finish, reply.Done).ShouldBe((null, false));
    }

    [Fact]
    public async Task A_fault_behind_the_last_token_still_comes_before_the_finish()
    {
        var reply = await StreamAsync($"chat?{Fast}&tokens=5&cut=5");
        reply.Tokens.Count.ShouldBe(5);
        reply.Finish.ShouldBeNull();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public async Task Stall_is_silent_for_ever(int tokens)
    {
        var time = new ManualTimeProvider();
        using var response = await SendAsync(Body($"chat?{Fast}&stall={tokens}"), time);
        using var body = await response.Content.ReadAsStreamAsync();
        using var cancellation = new CancellationTokenSource();
        var read = SimulatedReply.ReadAsync(body, cancellation.Token);
        time.Advance(TimeSpan.FromDays(30));
        read.IsCompleted.ShouldBeFalse();
        await cancellation.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => read.WaitAsync(_bound));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public async Task Error_comes_inside_the_200_and_nothing_follows(int tokens)
    {
        var reply = await StreamAsync($"chat?{Fast}&error={tokens}");
        reply.Tokens.Count.ShouldBe(tokens);
        reply.Payloads.Count.ShouldBe(tokens == 0 ? 1 : tokens + 2);
        reply.Payloads[^1].GetProperty("error").GetProperty("message").GetString()!.ShouldContain(SimulatedErrors.FakeSecret);
        (reply.Finish, reply.Done).ShouldBe((null, false));
    }

    [Theory]
    [InlineData(429, "rate_limit_exceeded")]
    [InlineData(401, "invalid_api_key")]
    [InlineData(500, "server_error")]
    [InlineData(529, "overloaded")]
    public async Task Status_is_an_HTTP_error_with_an_indiscreet_body(int status, string code)
    {
        using var response = await SendAsync(Body($"chat?status={status}&retry_after=2"));
        ((int)response.StatusCode).ShouldBe(status);
        response.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(2));
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        var error = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");
        error.GetProperty("code").GetString().ShouldBe(code);
        error.GetProperty("message").GetString()!.ShouldContain(SimulatedErrors.FakeSecret);
    }

    [Fact]
    public async Task Nodone_ends_behind_the_usage()
    {
        var reply = await StreamAsync($"chat?{Fast}&nodone=1", more: WithUsage);
        (reply.Finish, reply.Done, reply.Usage is null, reply.Broken).ShouldBe(("stop", false, false, null));
    }

    [Fact]
    public async Task Linger_holds_the_body_open_behind_the_usage()
    {
        using var response = await SendAsync(Body($"chat?{Fast}&tokens=2&linger=1", more: WithUsage));
        using var body = await response.Content.ReadAsStreamAsync();
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains("\"total_tokens\"", StringComparison.Ordinal))
            text.Append(Encoding.UTF8.GetString(buffer, 0, await body.ReadAsync(buffer).AsTask().WaitAsync(_bound)));
        text.ToString().ShouldContain("\"finish_reason\":\"stop\"");
        text.ToString().ShouldNotContain("[DONE]");
        var more = body.ReadAsync(buffer).AsTask();
        more.IsCompleted.ShouldBeFalse();
        response.Dispose();
        await Should.ThrowAsync<IOException>(() => more.WaitAsync(_bound));
    }

    [Fact]
    public async Task Giant_is_one_line_of_that_length()
    {
        var reply = await StreamAsync($"chat?{Fast}&giant=4000000");
        reply.Tokens[0].Length.ShouldBe(4_000_000);
        reply.Tokens.Count.ShouldBeGreaterThan(100);
        reply.Done.ShouldBeTrue();
    }

    [Fact]
    public async Task Endless_has_never_a_line_end()
    {
        using var response = await SendAsync(Body($"chat?{Fast}&endless=1"));
        using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[256 * 1024];
        long total = 0;
        int read;
        while ((read = await body.ReadAsync(buffer)) > 0)
        {
            buffer.AsSpan(0, read).Contains((byte)'\n').ShouldBeFalse();
            total += read;
        }

        total.ShouldBeGreaterThanOrEqualTo(SimulatedScript.EndlessBytes);
    }

    [Fact]
    public async Task Split_gives_each_byte_alone()
    {
        using var response = await SendAsync(Body($"chat?{Fast}&split=1&tokens=60", "好好好"));
        using var body = await response.Content.ReadAsStreamAsync();
        var bytes = new List<byte>();
        var buffer = new byte[4096];
        int read;
        while ((read = await body.ReadAsync(buffer)) > 0)
        {
            read.ShouldBe(1);
            bytes.Add(buffer[0]);
        }

        (await SimulatedReply.ReadAsync(new MemoryStream([.. bytes]))).Text.ShouldContain("好好好");
        Encoding.UTF8.GetString([.. bytes]).ShouldContain("好"); // as UTF-8, so that the cuts fall inside characters
    }

    [Fact]
    public async Task Comments_stand_between_frames()
    {
        using var response = await SendAsync(Body($"chat?{Fast}&tokens=4&comments=1"));
        var text = await response.Content.ReadAsStringAsync();
        text.ShouldStartWith(": PROCESSING\n\ndata: ");
        text.ShouldContain("\n\n: PROCESSING\ndata: ");
        (await SimulatedReply.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)))).Tokens.Count.ShouldBe(4);
    }

    [Fact]
    public async Task Zero_usage_is_explicit_and_no_usage_is_none()
    {
        var zero = (await StreamAsync($"chat?{Fast}&zero_usage=1", more: WithUsage)).Usage!.Value;
        foreach (var field in new[] { "prompt_tokens", "completion_tokens", "total_tokens" }) zero.GetProperty(field).GetInt32().ShouldBe(0);
        (await StreamAsync($"chat?{Fast}&no_usage=1", more: WithUsage)).Payloads.Count(p => p.TryGetProperty("usage", out _)).ShouldBe(0);
    }

    [Fact]
    public async Task Empty_tools_stand_beside_the_text()
    {
        var deltas = (await StreamAsync($"chat?{Fast}&empty_tools=1&tokens=5")).Deltas;
        deltas.Count(d => d.TryGetProperty("tool_calls", out var calls) && calls.GetArrayLength() == 0 && d.GetProperty("content").GetString() != "").ShouldBe(5);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("reset")]
    public async Task Without_stream_the_document_breaks_off(string fault)
    {
        using var response = await SendAsync(Body($"chat?{Fast}&{fault}=40", more: "\"stream\":false"));
        using var body = await response.Content.ReadAsStreamAsync();
        var whole = new MemoryStream();
        var copy = () => body.CopyToAsync(whole);
        if (fault == "reset") await copy.ShouldThrowAsync<IOException>();
        else await copy();
        whole.Length.ShouldBeGreaterThan(0);
        Should.Throw<JsonException>(() => JsonElement.Parse(whole.ToArray()));
    }

    [Fact]
    public async Task Without_stream_an_error_is_the_document() =>
        (await DocumentAsync($"chat?{Fast}&error=0")).GetProperty("error").GetProperty("code").GetString().ShouldBe("server_error");
}
