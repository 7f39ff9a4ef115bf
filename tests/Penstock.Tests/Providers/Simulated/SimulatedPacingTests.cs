using System.Buffers;
using System.Text;
using Penstock.Providers.Simulated;
using Penstock.Testing;
using static Penstock.Tests.Providers.Simulated.SimulatedCall;

namespace Penstock.Tests.Providers.Simulated;

public sealed class SimulatedPacingTests
{
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(30);
    private readonly ManualTimeProvider _time = new();
    private readonly byte[] _buffer = new byte[4096];

    [Fact]
    public void The_first_token_takes_300_ms_and_then_30_to_80_come_in_every_second()
    {
        var request = SimulatedRequest.Parse(Encoding.UTF8.GetBytes(Body("chat?tokens=1000")));
        var due = new SimulatedScript(request, new ArrayBufferWriter<byte>(), 0).Play().Select(d => d.TotalSeconds).ToList();
        due[0].ShouldBe(0.3);
        due[1].ShouldBe(0.3); // the role comes with the first token
        due.ShouldBeInOrder();
        var pauses = due.Skip(2).Zip(due.Skip(1), (later, earlier) => later - earlier).SkipLast(2).ToList();
        pauses.Min().ShouldBeInRange(0.014, 0.016);
        pauses.Max().ShouldBeInRange(0.024, 0.026);
        for (var second = 0.3; second + 1 < due[^1]; second++)
            due.Count(d => d >= second && d < second + 1).ShouldBeInRange(30, 80);
    }

    [Fact]
    public async Task Nothing_comes_before_the_first_token_is_due()
    {
        using var response = await SendAsync(Body("chat?ttft=250&tps=10"), _time);
        using var body = await response.Content.ReadAsStreamAsync();
        var role = body.ReadAsync(_buffer).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(249));
        role.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        (await role.WaitAsync(_bound)).ShouldBeGreaterThan(0);
        (await body.ReadAsync(_buffer).AsTask().WaitAsync(_bound)).ShouldBeGreaterThan(0); // the first token

        var second = body.ReadAsync(_buffer).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(69));
        second.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(62));
        await second.WaitAsync(_bound);
    }

    [Fact]
    public async Task A_slow_reader_finds_what_came_meanwhile()
    {
        using var response = await SendAsync(Body("chat?tokens=50"), _time);
        using var body = await response.Content.ReadAsStreamAsync();
        _time.Advance(TimeSpan.FromSeconds(5));
        var reply = await SimulatedReply.ReadAsync(body).WaitAsync(_bound);
        reply.Tokens.Count.ShouldBe(50);
        reply.Done.ShouldBeTrue();
    }

    [Fact]
    public async Task A_read_of_nothing_ends_when_there_is_something_and_takes_none_of_it()
    {
        using var response = await SendAsync(Body("chat?tokens=1"), _time);
        using var body = await response.Content.ReadAsStreamAsync();
        var nothing = body.ReadAsync(Memory<byte>.Empty).AsTask();
        nothing.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(300));
        (await nothing.WaitAsync(_bound)).ShouldBe(0);
        (await body.ReadAsync(Memory<byte>.Empty).AsTask().WaitAsync(_bound)).ShouldBe(0);
        (await SimulatedReply.ReadAsync(body).WaitAsync(_bound)).Done.ShouldBeTrue();
        (await body.ReadAsync(Memory<byte>.Empty).AsTask().WaitAsync(_bound)).ShouldBe(0);
    }

    [Fact]
    public async Task A_cancelled_read_ends_at_once_and_loses_nothing()
    {
        using var response = await SendAsync(Body("chat?tokens=3"), _time);
        using var body = await response.Content.ReadAsStreamAsync();
        using var cancellation = new CancellationTokenSource();
        var read = body.ReadAsync(_buffer, cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(() => read.WaitAsync(_bound))).CancellationToken.ShouldBe(cancellation.Token);
        await Should.ThrowAsync<OperationCanceledException>(() => body.ReadAsync(_buffer, cancellation.Token).AsTask());

        _time.Advance(TimeSpan.FromSeconds(1));
        await Should.ThrowAsync<OperationCanceledException>(() => body.ReadAsync(_buffer, cancellation.Token).AsTask()); // there is something to read
        (await SimulatedReply.ReadAsync(body).WaitAsync(_bound)).Tokens.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_cancelled_request_is_not_sent()
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => SendAsync(Body("chat"), _time, cancellation.Token));
    }

    [Fact]
    public async Task A_disposed_reply_ends_the_read_that_waits()
    {
        using var response = await SendAsync(Body("chat?stall=0"), _time);
        var body = await response.Content.ReadAsStreamAsync();
        var read = body.ReadAsync(_buffer).AsTask();
        response.Dispose();
        await Should.ThrowAsync<IOException>(() => read.WaitAsync(_bound));
    }

    [Fact]
    public async Task Without_stream_the_document_comes_when_its_last_token_would()
    {
        using var response = await SendAsync(Body("chat?tokens=50", more: "\"stream\":false"), _time);
        using var body = await response.Content.ReadAsStreamAsync();
        var read = body.ReadAsync(_buffer).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(900)); // 300 + 49 * 14 is the earliest
        read.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(700)); // 300 + 49 * 26 is the latest
        (await read.WaitAsync(_bound)).ShouldBeGreaterThan(0);
    }
}
